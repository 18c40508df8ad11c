"""How the commands end, and what they print without Rich."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import NoReturn

import typer

from ..errors import ConfigurationError, InvalidArgumentError, MonoCloudError

REFUSED = 1
MISUSED = 2
INTERRUPTED = 128 + 2
BROKEN_PIPE = 128 + 13
_STDOUT = 1


@contextmanager
def exit_codes() -> Generator[None, None, None]:
    """End the command with one line on stderr and an exit code, where something goes wrong."""
    try:
        yield
    except (ConfigurationError, InvalidArgumentError) as error:
        fail(str(error), MISUSED)
    except MonoCloudError as error:
        fail(str(error))
    except BrokenPipeError:
        drop_output()
        raise typer.Exit(BROKEN_PIPE) from None
    except OSError as error:
        drop_output()
        fail(error.strerror or str(error))
    # Typer makes the one of an interrupt, or of the end of the input, where it asks.
    except (KeyboardInterrupt, typer.Abort):
        raise typer.Exit(INTERRUPTED) from None


def fail(message: str, code: int = REFUSED) -> NoReturn:
    """Print an error and end the command."""
    typer.echo(f"Error: {visible(message)}", err=True)
    raise typer.Exit(code)


@contextmanager
def after_call() -> Generator[None, None, None]:
    """Print what came of a call: where that fails, it must not read as if the API had refused."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        drop_output()
        why = error.strerror or error
        fail(f"it was done, and what came of it cannot be printed: {why}")


def show_json(value: object, indent: int | None = 2) -> None:
    """Print JSON in pure ASCII: it survives any encoding, and cannot steer the terminal."""
    typer.echo(json.dumps(value, indent=indent))


def visible(text: str) -> str:
    """Return foreign text fit to be shown: what would steer a terminal becomes an escape."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def drop_output() -> None:
    """Send what is still to be written nowhere: at its end Python would try, and complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDOUT)
    os.close(nowhere)
