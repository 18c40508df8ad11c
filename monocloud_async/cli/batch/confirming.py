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


def tell_ignored(name: str, columns: Collection[str]) -> None:
    """Name the columns that are not arguments, if there are any.

    Args:
        name: the operation.
        columns: the columns.
    """
    if columns:
        told = f"Ignoring columns that are not arguments of {name}: {listed(columns)}"
        typer.echo(visible(told), err=True)


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
        does = summary(runnable.method).rstrip(".")
        told = f"{does}: {_counted(rows)} for {origin}. It cannot be undone."
        confirm_number(told, rows)


def would_be_sent(rows: int, origin: str) -> NoReturn:
    """End a dry run."""
    typer.echo(f"{_counted(rows)} would be sent to {origin}; nothing was sent")
    raise typer.Exit


def is_json(path: Path | None) -> bool:
    """Return whether results are written as JSON Lines."""
    return path is not None and path.suffix.lower() in _JSON_LINES


def _counted(rows: int) -> str:
    return f"{rows:,} {'row' if rows == 1 else 'rows'}"
