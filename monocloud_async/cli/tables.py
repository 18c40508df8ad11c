"""Print records of any type as tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from rich.cells import cell_len
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from .._converter import wire_fields
from ..models import Record, User
from .ending import visible
from .output import show, table, user_view
from .parts import PARTS, part_of

_MOST_COLUMNS = 7


def show_record(operation: str, record: Record) -> None:
    """Print the part of a record that matters to the command."""
    show(*_view(operation, record))


def _view(operation: str, record: Record) -> Iterable[RenderableType]:
    resource = operation.partition(".")[0]
    if isinstance(record, User) and (operation == "users.get" or resource == "phones"):
        return user_view(record)
    if isinstance(record, User) and resource in PARTS:
        title = Text(f"User {visible(record.user_id)}", style="bold")
        part = part_of(record, resource)
        return [title, *([Rows().page_of(part)] if part else [])]
    return [_fields(record)]


class Rows:
    """A table printed page by page, with stable column widths."""

    def __init__(self) -> None:
        self._widths: dict[str, int] = {}

    def show(self, records: Sequence[Record]) -> None:
        """Print the next page."""
        if records:
            show(self.page_of(records))

    def page_of(self, records: Sequence[Record]) -> Table:
        """Return the records as a table; only the first page has a header."""
        page = table()
        page.show_header = not self._widths
        names = _columns(type(records[0]))
        rows = [[_cell(getattr(record, name)) for name in names] for record in records]
        for name, *cells in zip(names, *rows, strict=True):
            self._widths[name] = max(self._widths.get(name, 0), *map(cell_len, (name, *cells)))
            page.add_column(name, min_width=self._widths[name])
        for row in rows:
            page.add_row(*map(Text, row))
        return page


def _columns(kind: type[Record]) -> list[str]:
    """Return the first fields, without free-form JSON, which is too wide for a column."""
    fields = wire_fields(kind).values()
    return [f.name for f in fields if f.type != Mapping[str, Any]][:_MOST_COLUMNS]


def _fields(record: Record) -> Table:
    """Return a record's fields, one per line."""
    lines = table()
    lines.show_header = False
    lines.add_column(style="dim")
    lines.add_column()
    for name in wire_fields(type(record)):
        if shown := _cell(getattr(record, name), ""):
            lines.add_row(name, Text(shown))
    return lines


def _cell(value: object, unset: str = "-") -> str:
    """Return a field's value on one line."""
    if value is None or value in ((), {}):
        return unset
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(_cell(item) for item in cast("tuple[object, ...]", value))
    if isinstance(value, Record):
        return _name(value)
    if isinstance(value, Mapping):
        return json.dumps(value)
    return visible(value.isoformat() if isinstance(value, datetime) else str(value))


def _name(record: Record) -> str:
    """Return the name of a nested record: the field after its id."""
    known = (getattr(record, name) for name in [*wire_fields(type(record))][1::-1])
    return visible(next((text for text in known if isinstance(text, str)), "-"))
