"""Tables for people, drawn by Rich; in a module of its own because Rich is slow to import."""

from __future__ import annotations

from collections.abc import Iterable

import typer
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from ..models import User, UserPhone
from .ending import INTERRUPTED, MISUSED, REFUSED, drop_output, fail, visible

__all__ = [
    "INTERRUPTED",
    "MISUSED",
    "REFUSED",
    "drop_output",
    "fail",
    "show",
    "table",
    "user_view",
    "visible",
]
# Ids must stay copyable: leave wrapping to the terminal, and never truncate.
_WIDTH = 100_000
_YES_NO = {True: "yes", False: "no", None: "-"}


def user_view(user: User) -> Iterable[RenderableType]:
    """Return a user's phones for Rich to print."""
    if not user.phone_numbers:
        return [Text(f"User {visible(user.user_id)} has no phones.")]
    return [Text(f"User {visible(user.user_id)}", style="bold"), _phones(user.phone_numbers)]


def table(*columns: str) -> Table:
    """Return an empty table without borders, so that it is easy to copy and to split."""
    return Table(*columns, box=None, padding=(0, 3, 0, 0), header_style="dim")


def show(*parts: RenderableType) -> None:
    """Print with Rich, in colour only on a terminal."""
    console = Console(width=_WIDTH, highlight=False, markup=False, emoji=False)
    with console.capture() as printed:
        for part in parts:
            console.print(part)
    # On a broken pipe Rich would exit by itself; exit_codes() handles that here.
    typer.echo(printed.get(), nl=False, color=True)


def _phones(phones: Iterable[UserPhone]) -> Table:
    rows = table("Phone", "Identifier id", "Verified", "")
    for phone in phones:
        # Rich would parse markup in a plain str.
        cells = (
            Text(visible(phone.phone or "-")),
            Text(visible(phone.id)),
            _YES_NO[phone.verified],
            "primary" if phone.primary else "",
        )
        rows.add_row(*cells, style="bold green" if phone.primary else None)
    return rows
