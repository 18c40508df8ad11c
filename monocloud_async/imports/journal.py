"""The journal of an import: which rows were started, and how far each of them got.

It identifies the tenant by its origin, a row by its number and a keyed digest of its content, and a
user by its id. It contains no email address, phone number, name or password. The digest of a
plain-text password covers only its presence.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain, repeat
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple

from .._journal_file import JournalError, JournalFile
from ..errors import ConfigurationError
from .row import ImportRow

__all__ = ["CREATED", "EXISTED", "FAILED", "OPEN", "Entry", "ImportJournal", "JournalError"]

CREATED: Final = "created"
EXISTED: Final = "existed"
FAILED: Final = "failed"
# Started, but neither completed nor failed: the process ended in between.
OPEN: Final = "open"


class Entry(NamedTuple):
    """The progress of a row.

    Attributes:
        number: the row's number, counting from 0.
        digest: the digest of its content.
        status: ``CREATED``, ``EXISTED``, ``FAILED`` or ``OPEN``.
        user_id: the user's id, if known.
        steps: the completed steps, separated by spaces.
        http_status: the status of the last response, if it was an error.
        error: the error message, if the row failed.
        trace_id: the server's trace id of the failed request, if it sent one.
        attempts: the number of requests sent for the row in the last run.
        applied: whether its creation may have been applied, its response being lost.
        differences: where an existing user differs, one member per line.
        notes: further remarks on the row.
    """

    number: int
    digest: bytes
    status: str
    user_id: str | None = None
    steps: str = ""
    http_status: int | None = None
    error: str | None = None
    trace_id: str | None = None
    attempts: int = 0
    applied: bool = False
    differences: str = ""
    notes: str = ""

    def allows(self, digest: bytes) -> bool:
        """Return whether a row with this digest may continue from here.

        A failed row may have been corrected. If it has a user, it must still be the same user,
        which is checked later. If its creation may have been applied, its content must be the same.
        """
        if digest == self.digest:
            return True
        return not self.settled and (self.user_id is not None or not self.applied)

    @property
    def settled(self) -> bool:
        """Whether the row is complete."""
        return self.status in (CREATED, EXISTED)


class ImportJournal(JournalFile):
    """An import journal, locked against other processes and used by one thread at a time.

    Args:
        path: the file, created if it does not exist. None keeps the journal in a temporary file.
        origin: the tenant's origin.

    Attributes:
        begun: the number of rows that may have been started.
        began_at: when the first run of the import started, in seconds since 1970.
        resumed: whether there was an earlier run.

    Raises:
        ConfigurationError: the file cannot be used, or is not such a journal; it is unchanged.
    """

    application = 0x4D436931  # "MCi1"
    version = 1
    tables: ClassVar[Sequence[str]] = (
        "CREATE TABLE import (origin TEXT, key BLOB, began_at REAL, begun INTEGER)",
        """CREATE TABLE entry (
            number INTEGER PRIMARY KEY, digest BLOB NOT NULL, status TEXT NOT NULL, user_id TEXT,
            steps TEXT NOT NULL, http_status INTEGER, error TEXT, trace_id TEXT,
            attempts INTEGER NOT NULL, applied INTEGER NOT NULL, differences TEXT NOT NULL,
            notes TEXT NOT NULL
        )""",
    )

    def __init__(self, path: Path | None, origin: str) -> None:
        self._origin = origin
        self.begun: int = 0
        self.began_at: float = 0.0
        self.resumed: bool = False
        super().__init__(path)

    def _begin(self, *, new: bool) -> None:
        run = self._db.execute
        if new:
            values = (self._origin, secrets.token_bytes(32), time.time(), 0)
            run("INSERT INTO import VALUES (?, ?, ?, ?)", values)
        origin, self._key, self.began_at, self.begun = run("SELECT * FROM import").fetchone()
        if origin != self._origin:
            why = f"it belongs to {origin}, not to {self._origin}"
            raise self._refusal(why, f", or connect to {origin}")
        self.resumed = self.begun > 0

    def _refusal(self, why: str, or_else: str = "") -> ConfigurationError:
        if self._path is None:
            return super()._refusal(why, or_else)
        return ConfigurationError(
            f"the journal {self._path} cannot be used: {why}; nothing was sent: use another "
            f"journal file{or_else}"
        )

    def digest(self, row: ImportRow) -> bytes:
        """Return the digest of a row's content."""
        shown: dict[str, Any] = {n: v for n in _COMPARED if (v := getattr(row, n))}
        shown["password"] = row.password.get("password_hash", bool(row.password))
        shown["temporary"] = row.password.get("is_temporary_password")
        content = _ENCODER.encode(shown).encode()
        return hashlib.blake2b(content, digest_size=8, key=self._key).digest()

    def begin(self, rows: int) -> None:
        """Record the number of rows that may be started.

        Raises:
            JournalError: the journal cannot be written.
        """
        with self._reporting_errors():
            self._db.execute("UPDATE import SET begun = ?", (rows,))
        self.begun = rows

    def record(self, entries: Sequence[Entry]) -> None:
        """Write entries atomically, replacing earlier entries of the same rows.

        Raises:
            JournalError: the journal cannot be written.
        """
        # Use large statements: SQLite releases the GIL in each, and getting it back from the event
        # loop takes longer than the write itself. Use few sizes, because each prepared statement
        # takes memory. The last entry pads a statement that is not full.
        with self._transaction() as db:
            for first in range(0, len(entries), _LARGE):
                batch = entries[first : first + _LARGE]
                size = _SMALL if len(batch) <= _SMALL else _LARGE
                filled = chain(batch, repeat(batch[-1], size - len(batch)))
                db.execute(_insert(size), [*chain.from_iterable(filled)])

    def entries(self, first: int, last: int) -> Mapping[int, Entry]:
        """Return a range of entries by number."""
        with self._reporting_errors():
            found = self._db.execute(
                "SELECT * FROM entry WHERE number BETWEEN ? AND ?", (first, last)
            )
            return {row[0]: Entry(*row) for row in found}

    def has_other(self, user_id: str, number: int) -> bool:
        """Return whether a user belongs to another row."""
        with self._reporting_errors():
            # Created on demand: few imports need the index, and it slows down all writes.
            self._db.execute("CREATE INDEX IF NOT EXISTS of_user ON entry (user_id)")
            found = self._db.execute(
                "SELECT EXISTS (SELECT * FROM entry WHERE user_id = ? AND number <> ?)",
                (user_id, number),
            )
            return bool(found.fetchone()[0])


# Entries per statement; older SQLite versions allow 999 values.
_SMALL, _LARGE = 8, 80


@cache
def _insert(rows: int) -> str:
    row = f"({', '.join('?' * len(Entry._fields))})"
    return f"INSERT OR REPLACE INTO entry VALUES {', '.join([row] * rows)}"  # noqa: S608


_ENCODER = json.JSONEncoder(sort_keys=True, default=str)
_COMPARED = (
    *("username", "email", "phone", "emails", "phones", "claims"),
    *("private_data", "public_data", "groups", "disabled"),
)
