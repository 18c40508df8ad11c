"""What the commands print, and how they end."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import NoReturn

import typer
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from ..errors import ConfigurationError, InvalidArgumentError, MonoCloudError
from ..models import User, UserPhone

REFUSED = 1
MISUSED = 2
INTERRUPTED = 128 + 2
BROKEN_PIPE = 128 + 13
_STDOUT = 1
# Ids are there to be copied: nothing is wrapped or cut, but left to the terminal to wrap.
_WIDTH = 100_000
_YES_NO = {True: "yes", False: "no", None: "-"}


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


def user_view(user: User) -> Iterable[RenderableType]:
    """Return a user's phones as Rich shows them."""
    if not user.phone_numbers:
        return [Text(f"User {visible(user.user_id)} has no phones.")]
    return [Text(f"User {visible(user.user_id)}", style="bold"), _phones(user.phone_numbers)]


def table(*columns: str) -> Table:
    """Return an empty table, drawn without lines so that it is easy to copy and to cut up."""
    return Table(*columns, box=None, padding=(0, 3, 0, 0), header_style="dim")


def show(*parts: RenderableType) -> None:
    """Print with Rich, which leaves out colours where nobody would see them."""
    console = Console(width=_WIDTH, highlight=False, markup=False, emoji=False)
    with console.capture() as printed:
        for part in parts:
            console.print(part)
    # Rich ends the program itself where a pipe is broken; Typer leaves that to exit_codes().
    typer.echo(printed.get(), nl=False, color=True)


def visible(text: str) -> str:
    """Return foreign text fit to be shown: what would steer a terminal becomes an escape."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _phones(phones: Iterable[UserPhone]) -> Table:
    rows = table("Phone", "Identifier id", "Verified", "")
    for phone in phones:
        # Not a str, in which Rich would look for its markup.
        cells = (
            Text(visible(phone.phone or "-")),
            Text(visible(phone.id)),
            _YES_NO[phone.verified],
            "primary" if phone.primary else "",
        )
        rows.add_row(*cells, style="bold green" if phone.primary else None)
    return rows


def drop_output() -> None:
    """Send what is still to be written nowhere: at its end Python would try, and complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDOUT)
    os.close(nowhere)
