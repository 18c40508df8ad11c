"""Reads CSV records in each system's dialect; empty cells are left out."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Any

from .source import Source, mistake, truncated
from .values import is_table

Found = tuple[int, dict[str, Any]]

_DELIMITERS = (",", ";", "\t")
# Auth0 prefixes text with an apostrophe so that spreadsheets do not take it for a formula.
_GUARD = re.compile("'(.*)", re.DOTALL)
_STEP = re.compile(r"([^.\[\]]+)|\[([0-9]+)\]")
_BARE_COMMA = re.compile(r"(?<!\\),")


def read_csv(source: Source, lines: Iterator[str], *, head: str) -> Iterator[Found]:
    """Yield the records of standard CSV with a header.

    Args:
        source: the file.
        lines: its lines after the header.
        head: the header line.
    """
    start = source.line - 1
    delimiter = _delimiter(head)
    rows = csv.reader(_all(head, lines), delimiter=delimiter, strict=True)
    names: list[str] = []
    while True:
        line = start + rows.line_num
        try:
            cells = next(rows, None)
        except csv.Error as error:
            if "end of data" in str(error):
                raise truncated(source.name, line) from None
            raise mistake(
                source.name, line, f"it is not valid CSV: {error}", "export it again"
            ) from None
        if cells is None:
            return
        if not names:
            names = _header(source, line, cells)
        elif any(cells):
            yield line, _record(source, line, names, cells)


def names_in(head: str) -> list[str]:
    """Return the column names of a header."""
    return [
        cell.strip() for cells in csv.reader([head], delimiter=_delimiter(head)) for cell in cells
    ]


def _delimiter(head: str) -> str:
    return max(_DELIMITERS, key=head.count)


def _all(head: str, lines: Iterator[str]) -> Iterator[str]:
    yield head
    yield from lines


def _header(source: Source, line: int, cells: Iterable[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    for name in names:
        if name and names.count(name) > 1:
            problem = f"the header has the column {name} more than once"
            raise mistake(source.name, line, problem, "remove one of them")
    return names


def _record(source: Source, line: int, names: list[str], cells: list[str]) -> dict[str, Any]:
    if len(cells) < len(names) and source.unfinished:
        raise truncated(source.name, line)
    if len(cells) < len(names) or any(cells[len(names) :]):
        problem = f"it has {len(cells)} cells, but the header has {len(names)}"
        raise mistake(source.name, line, problem, "correct the line, or export it again")
    return {name: cell for name, cell in zip(names, cells, strict=False) if name and cell}


def auth0_record(row: dict[str, Any]) -> dict[str, Any]:
    """Return an Auth0 row without the guarding apostrophes, and with nested members."""
    record: dict[str, Any] = {}
    for name, cell in row.items():
        found = _GUARD.fullmatch(cell)
        if value := found[1] if found else cell:
            _place(record, name, value)
    for name, value in record.items():
        if is_table(value) and all(isinstance(key, int) for key in value):
            record[name] = list(value.values())
    return record


def _place(record: dict[Any, Any], name: str, value: str) -> None:
    """Store a value at a path such as ``identities[0].provider``."""
    steps = [int(n) if n else word for word, n in _STEP.findall(name)]
    for step in steps[:-1]:
        inner = record.setdefault(step, {})
        if not is_table(inner):
            return
        record = inner
    if steps:
        record[steps[-1]] = value


def read_cognito(source: Source, lines: Iterator[str], *, head: str) -> Iterator[Found]:
    """Yield the records of Cognito's CSV, which has no quotes and backslash-escaped commas."""
    names = _header(source, source.line - 1, _unquoted(head))
    for text in lines:
        line = source.line - 1
        cells = _unquoted(text)
        if any(cells):
            yield line, _record(source, line, names, cells)


def _unquoted(text: str) -> list[str]:
    return [cell.replace("\\,", ",") for cell in _BARE_COMMA.split(text.rstrip("\r\n"))]
