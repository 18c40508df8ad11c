"""How records are displayed: as one line in logs, and as a table in notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, cast

import attrs

_LONGEST_LINE = 200
_LONGEST_ID = 40
_LONGEST_TEXT = 200
_MOST_ROWS = 20
_DEEPEST = 6
_MORE = "…"


def line(name: str, members: Mapping[str, attrs.Attribute[Any]], record: object) -> str:
    """Return a record's class, ids and list lengths on one short line, without private data.

    Args:
        name: the class name.
        members: the attributes that may be shown.
        record: the record.
    """
    shown = [f"{part}={value!r}" for part, value in parts(members, record)]
    text = f"{name[:_LONGEST_ID]}({', '.join(shown)})"
    while len(text) > _LONGEST_LINE:
        shown.pop()
        text = f"{name[:_LONGEST_ID]}({', '.join([*shown, _MORE])})"
    return text


class _AsIs(str):
    """A string whose repr adds no quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def parts(
    members: Mapping[str, attrs.Attribute[Any]], record: object
) -> Iterator[tuple[str, object]]:
    """Yield the parts of a record's line: names, and values whose repr is shown."""
    for member in members.values():
        if shown := _part(member, record):
            yield member.name, _AsIs(shown)


def _part(member: attrs.Attribute[Any], record: object) -> str:
    value = getattr(record, member.name)
    if isinstance(value, tuple):
        return f"<{len(cast('tuple[object, ...]', value))}>" if value else ""
    is_id = member.name == "id" or member.name.endswith("_id")
    if not is_id or not isinstance(value, str) or is_secret(member):
        return ""
    return _short_id(value)


def _short_id(value: str) -> str:
    # Some providers use email addresses and phone numbers as ids; keep those out of logs.
    if "@" in value or value.startswith("+"):
        return _MORE
    text = repr(value[: _LONGEST_ID + 1])
    return text if len(text) <= _LONGEST_ID + 2 else f"{text[:_LONGEST_ID]}{_MORE}{text[0]}"


def is_secret(member: attrs.Attribute[Any]) -> bool:
    """Return whether an attribute's value must not be shown."""
    return bool(member.metadata.get("secret"))


def table(rows: Iterable[tuple[str, object]], depth: int = 0) -> str:
    """Return names and values as an HTML table.

    Args:
        rows: the names and values; a value may be a ``Rows``, a list, a mapping or a scalar.
        depth: the nesting depth of the table.
    """
    first_rows = list(islice(rows, 3 * _MOST_ROWS + 1))
    lines = [
        f"<tr><th>{_text(name)}</th><td>{_cell(value, depth + 1)}</td></tr>"
        for name, value in first_rows[: 3 * _MOST_ROWS]
    ]
    if len(first_rows) > 3 * _MOST_ROWS:
        lines.append(f"<tr><th>{_MORE}</th></tr>")
    return f"<table>{''.join(lines)}</table>"


class Rows(dict[str, object]):
    """The displayable names and values of a record."""


def _cell(value: object, depth: int) -> str:
    if isinstance(value, (Mapping, list, tuple)) and depth > _DEEPEST:
        return _MORE
    if isinstance(value, Mapping):
        return table(cast("Mapping[str, object]", value).items(), depth)
    if isinstance(value, (list, tuple)):
        return _list(cast("Sequence[object]", value), depth)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return _text(value.isoformat(" ") if isinstance(value, datetime) else str(value))


def _list(values: Sequence[object], depth: int) -> str:
    shown = values[:_MOST_ROWS]
    rest = f"{_MORE} {len(values) - _MOST_ROWS} more" if len(values) > _MOST_ROWS else ""
    records = [value for value in shown if isinstance(value, Rows)]
    if records and len(records) == len(shown):
        return _grid(records, depth) + rest
    return ", ".join([*(_cell(value, depth + 1) for value in shown), *([rest] if rest else [])])


def _grid(records: Sequence[Rows], depth: int) -> str:
    names = dict.fromkeys(name for record in records for name in record)
    head = "".join(f"<th>{_text(name)}</th>" for name in names)
    lines = [
        "".join(
            f"<td>{_cell(record[name], depth + 1) if name in record else ''}</td>" for name in names
        )
        for record in records
    ]
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{cells}</tr>' for cells in lines)}</table>"


def _text(value: object) -> str:
    # Imported here because only notebooks need it, and it takes 1 % of the import time.
    from html import escape

    text = str(value)
    if len(text) > _LONGEST_TEXT:
        text = text[:_LONGEST_TEXT] + _MORE
    return escape("".join(c if c.isprintable() else repr(c)[1:-1] for c in text))
