"""What `monocloud run` says and asks before it sends anything."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import NoReturn

import typer

from ..ending import visible
from ..inputs import confirm_number
from ..parameters import summary
from ..runnable import Runnable
from .columns import listed

SHOWN = 3
_JSON_LINES = (".jsonl", ".ndjson", ".json")


def print_unused(name: str, columns: Collection[str]) -> None:
    """Name the columns that are not arguments, if there are any.

    Args:
        name: the operation.
        columns: the columns.
    """
    if columns:
        message = f"Ignoring columns that are not arguments of {name}: {listed(columns)}"
        typer.echo(visible(message), err=True)


def confirm_destruction(runnable: Runnable, rows: int, origin: str) -> None:
    """Ask to type the number of rows, if the operation cannot be undone.

    Args:
        runnable: the operation.
        rows: the number of rows.
        origin: where they are sent.

    Raises:
        ConfigurationError: not confirmed.
    """
    if runnable.destructive and rows:
        action = summary(runnable.method).rstrip(".")
        message = f"{action}: {_counted(rows)} for {origin}. It cannot be undone."
        confirm_number(message, rows)


def end_dry_run(rows: int, origin: str) -> NoReturn:
    """End a dry run."""
    typer.echo(f"{_counted(rows)} would be sent to {origin}; nothing was sent")
    raise typer.Exit


def is_json(path: Path | None) -> bool:
    """Return whether results are written as JSON Lines."""
    return path is not None and path.suffix.lower() in _JSON_LINES


def _counted(rows: int) -> str:
    return f"{rows:,} {'row' if rows == 1 else 'rows'}"
