"""The results of an import: one line per input record, without secrets."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from ...errors import InvalidArgumentError
from ...imports.journal import FAILED, OPEN, Entry, ImportJournal
from ...imports.reading import import_row
from ...imports.settling import RESET_BEGUN
from ..batch.columns import Mistake
from ..batch.reports import harmless
from ..batch.results import Results, ResultsError
from .records import CHANGED, Record, Source

COLUMNS = (
    *("line", "source_id", "status", "user_id", "steps", "differences", "notes"),
    *("error", "http_status", "trace_id", "attempts"),
)
SKIPPED = "skipped"
_JSON = (".jsonl", ".ndjson")
_ROWS_AT_ONCE = 500
_NOT_SENT = "not sent: the run ended first"
_CUT_OFF = "the run ended while the row was in flight"


class ImportResults(Results):
    """A results file, CSV or JSON Lines by its name; written completely or not at all.

    Args:
        path: its path, as for Results.
        names: the names of statuses.
    """

    def __init__(self, path: Path, names: Mapping[str, str]) -> None:
        # It contains people's email addresses.
        super().__init__(path, private=True)
        self.is_json: bool = path.suffix.casefold() in _JSON
        self._names = names

    def write_all(self, source: Source, groups: Mapping[str, str], journal: ImportJournal) -> None:
        """Write the outcome of each record.

        Args:
            source: the input.
            groups: group ids by name.
            journal: the outcomes of its rows.

        Raises:
            ResultsError: the file cannot be written; an existing file is unchanged.
        """
        lines = _lines(source, groups, journal)
        try:
            with self._opened() as file:
                if self.is_json:
                    file.writelines(f"{json.dumps(self._named(line))}\n" for line in lines)
                    return
                writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
                writer.writeheader()
                writer.writerows(cells(self._named(line)) for line in lines)
        except OSError as error:
            raise ResultsError(
                f"cannot write the results to {self._given}: {error.strerror}"
            ) from None

    def _named(self, line: dict[str, Any]) -> dict[str, Any]:
        return {**line, "status": self._names.get(line["status"], line["status"])}


def cells(line: dict[str, Any]) -> dict[str, Any]:
    """Return a line of the results as cells of CSV."""
    return {name: _cell(value) for name, value in line.items()}


def _cell(value: object) -> object:
    if isinstance(value, list):
        value = "; ".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType]
    return harmless(value) if isinstance(value, str) else value


def _lines(
    source: Source, groups: Mapping[str, str], journal: ImportJournal
) -> Iterator[dict[str, Any]]:
    records = source.records()
    number = 0
    while batch := list(islice(records, _ROWS_AT_ONCE)):
        entries = journal.entries(number, number + len(batch) - 1)
        for record in batch:
            entry = entries.get(number)
            number += 1
            if isinstance(record, Mistake):
                yield _line(record.line, FAILED, error=record.message)
            elif record.row is None:
                yield _line(record.line, SKIPPED, notes=[record.why])
            else:
                yield line_of(record, groups, entry, journal)


def line_of(
    record: Record, groups: Mapping[str, str], entry: Entry | None, journal: ImportJournal
) -> dict[str, Any]:
    """Return the results of a row.

    Args:
        record: the row's record.
        groups: group ids by name.
        entry: the row's entry in the journal.
        journal: the journal.
    """
    try:
        row = import_row(record.row, groups)
    except InvalidArgumentError as error:
        return _line(record.line, FAILED, error=str(error))
    notes = list(row.notes)
    if entry is None:
        return _line(record.line, SKIPPED, row.name, notes=notes, error=_NOT_SENT)
    if not entry.allows(journal.digest(row)):
        return _line(record.line, FAILED, row.name, notes=notes, error=CHANGED)
    if entry.notes:
        notes.append(entry.notes)
    is_open = entry.status == OPEN
    return _line(
        record.line,
        FAILED if is_open else entry.status,
        row.name,
        user_id=entry.user_id,
        steps=[step for step in entry.steps.split() if step != RESET_BEGUN],
        differences=entry.differences.splitlines(),
        notes=notes,
        error=_CUT_OFF if is_open else entry.error,
        http_status=entry.http_status,
        trace_id=entry.trace_id,
        attempts=entry.attempts,
    )


def _line(line: int, status: str, source_id: str | None = None, **values: Any) -> dict[str, Any]:
    members = {"line": line, "source_id": source_id, "status": status, **values}
    lists: dict[str, Any] = {"steps": [], "differences": [], "notes": [], "attempts": 0}
    return {name: members.get(name, lists.get(name)) for name in COLUMNS}
