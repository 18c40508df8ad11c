"""The lines of a results file: spreadsheet-safe CSV, or JSON Lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TextIO

from .journal import Entry
from .source import AnyRow

ReportRow = tuple[Any, Entry]
Report = Callable[[TextIO, Iterator[ReportRow]], None]

_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_CONTROLS = ("\t", "\r", "\n")
_OUTCOME = ("status", "http_status", "error", "trace_id", "attempts")


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet evaluates as a formula."""
    runs = cell.lstrip().startswith(_FORMULA) or cell.startswith(_CONTROLS)
    return f"'{cell}" if runs else cell


def phones_report(*, by_number: bool) -> Report:
    """Return the function that writes the results for phones.

    Args:
        by_number: whether the input names phones by number; numbers are not repeated.
    """

    def write(file: TextIO, rows: Iterator[ReportRow]) -> None:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("line", "user_id", "identifier_id", *_OUTCOME))
        for row, entry in rows:
            given = None if by_number else row.phone
            ids = (row.user_id, given or entry.identifier_id or "")
            writer.writerow((row.line, *map(harmless, ids), *_outcome(entry)))

    return write


def csv_report(names: Sequence[str]) -> Report:
    """Return the function that writes results as CSV.

    Args:
        names: the arguments to show.
    """

    def write(file: TextIO, rows: Iterator[ReportRow]) -> None:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("line", *names, *_OUTCOME))
        for row, entry in rows:
            given = (_cell(row.given.get(name, "")) for name in names)
            writer.writerow((row.line, *given, *_outcome(entry)))

    return write


def json_report(names: Sequence[str]) -> Report:
    """Return the function that writes results as JSON Lines, with return values.

    Args:
        names: the arguments to show.
    """

    def write(file: TextIO, rows: Iterator[ReportRow]) -> None:
        for row, entry in rows:
            # The result is JSON already.
            result = f', "result": {entry.result}' if entry.result else ""
            file.write(f"{json.dumps(_members(row, entry, names))[:-1]}{result}}}\n")

    return write


def _members(row: AnyRow, entry: Entry, names: Sequence[str]) -> Mapping[str, object]:
    shown = {name: row.given[name] for name in names if name in row.given}
    return {"line": row.line, **shown, **{name: getattr(entry, name) for name in _OUTCOME}}


def _outcome(entry: Entry) -> Iterable[object]:
    return (
        entry.status,
        entry.http_status,
        harmless(entry.error or ""),
        harmless(entry.trace_id or ""),
        entry.attempts,
    )


def _cell(value: object) -> str:
    return harmless(value if isinstance(value, str) else json.dumps(value))
