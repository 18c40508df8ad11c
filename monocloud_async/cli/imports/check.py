"""Check the whole input before anything is sent: mistakes, and duplicate users."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing

import attrs

from ...errors import ConfigurationError, InvalidArgumentError
from ...imports.find import all_identifiers
from ...imports.journal import Entry, ImportJournal
from ...imports.reading import import_row
from ...imports.row import ImportRow
from ..batch.columns import BrokenInputError, Mistake
from .records import CHANGED, Record, Source

MOST_MISTAKES = 20
_ENTRIES_AT_ONCE = 500


@attrs.define(eq=False)
class Checked:
    """The result of a check.

    Attributes:
        rows: the number of records, including skipped ones.
        mistakes: the first mistakes.
        mistake_count: the number of mistakes.
        unreadable: the number of records that cannot be read as rows.
        broken: whether the input cannot be read to its end.
        left_out: the number of skipped records, by reason.
        losses: the number of rows, by what the import cannot carry over.
        settled: the number of rows settled in earlier runs, by status.
    """

    rows: int = 0
    mistakes: list[Mistake] = attrs.field(factory=list[Mistake])
    mistake_count: int = 0
    unreadable: int = 0
    broken: bool = False
    left_out: Counter[str] = attrs.field(factory=Counter[str])
    losses: Counter[str] = attrs.field(factory=Counter[str])
    settled: Counter[str] = attrs.field(factory=Counter[str])

    def add(self, mistake: Mistake) -> None:
        """Count a mistake."""
        self.mistake_count += 1
        if len(self.mistakes) < MOST_MISTAKES:
            self.mistakes.append(mistake)


def check(source: Source, groups: Mapping[str, str], journal: ImportJournal | None) -> Checked:
    """Read an input to its end and check it.

    Args:
        source: the input.
        groups: group ids by name.
        journal: the outcomes of earlier runs, if any.

    Raises:
        ConfigurationError: there is no space for the temporary file.
    """
    found, earlier = Checked(), _Earlier(journal)
    try:
        with closing(_Seen()) as seen:
            for record in source.records():
                earlier.next_row()
                found.rows += 1
                for mistake in _mistakes(record, groups, found, seen, earlier):
                    found.add(mistake)
    except BrokenInputError as error:
        found.broken = True
        found.add(error.mistake)
    except sqlite3.Error as error:
        raise ConfigurationError(
            f"cannot check the input: {error}; nothing was sent: set TMPDIR to a directory with "
            "more space"
        ) from None
    return found


def _mistakes(
    record: Record | Mistake,
    groups: Mapping[str, str],
    found: Checked,
    seen: _Seen,
    earlier: _Earlier,
) -> Iterator[Mistake]:
    if isinstance(record, Mistake):
        found.unreadable += 1
        yield record
        return
    if record.row is None:
        found.left_out[record.why] += 1
        return
    try:
        row = import_row(record.row, groups)
    except InvalidArgumentError as error:
        yield Mistake(record.line, str(error))
        return
    found.losses.update(row.notes)
    if earlier.is_other(row):
        yield Mistake(record.line, CHANGED)
    elif status := earlier.settled():
        found.settled[status] += 1
    for kind, line in seen.before(row, record.line):
        yield Mistake(record.line, f"same {kind} as line {line}")


class _Earlier:
    """The outcome of the current row in earlier runs, if any."""

    def __init__(self, journal: ImportJournal | None) -> None:
        self._journal = journal
        self._number = -1
        self._entries: Mapping[int, Entry] = {}
        self._entry: Entry | None = None

    def next_row(self) -> None:
        self._number += 1
        if self._journal is not None and self._number % _ENTRIES_AT_ONCE == 0:
            last = self._number + _ENTRIES_AT_ONCE - 1
            self._entries = self._journal.entries(self._number, last)
        self._entry = self._entries.get(self._number)

    def is_other(self, row: ImportRow) -> bool:
        """Return whether the row differs from the one in the journal."""
        if self._journal is None or self._entry is None:
            return False
        return not self._entry.allows(self._journal.digest(row))

    def settled(self) -> str | None:
        """Return the row's final status; None if something remains to be done."""
        return self._entry.status if self._entry and self._entry.settled else None


class _Seen:
    """Digests of the identifiers seen so far, in a temporary file."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        # A temporary database need not survive a crash.
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("CREATE TABLE seen (digest INTEGER PRIMARY KEY, line INTEGER)")
        self._db.execute("BEGIN")

    def before(self, row: ImportRow, line: int) -> Iterator[tuple[str, int]]:
        """Add a row's identifiers; yield those that an earlier row also has, with its line."""
        for kind, value in ((one.field, one.value) for one in all_identifiers(row)):
            digest = _digest(kind, value)
            added = self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (digest, line))
            if not added.rowcount:
                found = self._db.execute("SELECT line FROM seen WHERE digest = ?", (digest,))
                yield kind, found.fetchone()[0]

    def close(self) -> None:
        """Delete the temporary file."""
        self._db.close()


def _digest(kind: str, value: str) -> int:
    content = f"{kind}:{value.casefold()}".encode()
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big", signed=True)
