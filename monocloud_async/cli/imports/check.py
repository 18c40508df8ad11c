"""Checks an input as a whole before anything is sent: mistakes, and rows of one user."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing

import attrs

from ...errors import ConfigurationError, InvalidArgumentError
from ...imports.find import identifiers
from ...imports.reading import import_row
from ...imports.row import ImportRow
from ..batch.columns import BrokenInputError, Mistake
from .records import Record, Source

MOST_MISTAKES = 20


@attrs.define(eq=False)
class Checked:
    """What a check found.

    Attributes:
        rows: how many records there are, those that are left out included.
        mistakes: the first of them.
        wrong: how many mistakes there are.
        unreadable: how many records say nothing that could be a row.
        broken: whether the input cannot be read to its end.
        left_out: why records are left out, and how many for each reason.
        losses: what rows lose, and how many of them.
    """

    rows: int = 0
    mistakes: list[Mistake] = attrs.field(factory=list[Mistake])
    wrong: int = 0
    unreadable: int = 0
    broken: bool = False
    left_out: Counter[str] = attrs.field(factory=Counter[str])
    losses: Counter[str] = attrs.field(factory=Counter[str])

    def add(self, mistake: Mistake) -> None:
        """Count a mistake."""
        self.wrong += 1
        if len(self.mistakes) < MOST_MISTAKES:
            self.mistakes.append(mistake)


def check(source: Source, groups: Mapping[str, str]) -> Checked:
    """Read an input to its end.

    Args:
        source: the input.
        groups: the ids of groups, by their names.

    Raises:
        ConfigurationError: there is no room for what has to be kept meanwhile.
    """
    found = Checked()
    try:
        with closing(_Seen()) as seen:
            for record in source.records():
                found.rows += 1
                for mistake in _mistakes(record, groups, seen, found):
                    found.add(mistake)
    except BrokenInputError as error:
        found.broken = True
        found.add(error.mistake)
    except sqlite3.Error as error:
        raise ConfigurationError(
            f"the input cannot be checked: {error}; nothing was sent: set TMPDIR to a directory "
            "with more room"
        ) from None
    return found


def _mistakes(
    record: Record | Mistake, groups: Mapping[str, str], seen: _Seen, found: Checked
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
    for kind, line in seen.before(row, record.line):
        yield Mistake(record.line, f"its {kind} is that of line {line} too")


class _Seen:
    """The identifiers of the rows so far, as digests, in a temporary file."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        # Nobody wants it back after an end.
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("CREATE TABLE seen (digest INTEGER PRIMARY KEY, line INTEGER)")
        self._db.execute("BEGIN")

    def before(self, row: ImportRow, line: int) -> Iterator[tuple[str, int]]:
        """Note a row's identifiers; yield those that an earlier row has, and its line."""
        further = [("email", one.value) for one in row.emails]
        further += [("phone_number", one.value) for one in row.phones]
        for kind, value in [*((one.field, one.value) for one in identifiers(row)), *further]:
            digest = _digest(kind, value)
            added = self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (digest, line))
            if not added.rowcount:
                found = self._db.execute("SELECT line FROM seen WHERE digest = ?", (digest,))
                yield kind, found.fetchone()[0]

    def close(self) -> None:
        """Drop it all."""
        self._db.close()


def _digest(kind: str, value: str) -> int:
    told = f"{kind}:{value.casefold()}".encode()
    return int.from_bytes(hashlib.blake2b(told, digest_size=8).digest(), "big", signed=True)
