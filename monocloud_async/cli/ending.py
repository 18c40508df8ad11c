"""Exit codes, error messages, and output that does not need Rich."""

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
    """Turn an error into one line on stderr and an exit code."""
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
    # Typer raises it when a prompt is interrupted or its input ends.
    except (KeyboardInterrupt, typer.Abort):
        raise typer.Exit(INTERRUPTED) from None


def fail(message: str, code: int = REFUSED) -> NoReturn:
    """Print an error and exit."""
    typer.echo(f"Error: {visible(message)}", err=True)
    raise typer.Exit(code)


@contextmanager
def after_call() -> Generator[None, None, None]:
    """Print the outcome of a call; a failure to print must not look like a refusal by the API."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        drop_output()
        why = error.strerror or error
        fail(f"the call succeeded, but its output cannot be printed: {why}")


def show_json(value: object, indent: int | None = 2) -> None:
    """Print JSON in pure ASCII: safe in any encoding, and free of terminal escapes."""
    typer.echo(json.dumps(value, indent=indent))


def visible(text: str) -> str:
    """Return untrusted text with terminal control characters escaped."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def drop_output() -> None:
    """Discard buffered output: Python would try to flush it at exit, and complain."""
    null_device = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null_device, _STDOUT)
    os.close(null_device)
