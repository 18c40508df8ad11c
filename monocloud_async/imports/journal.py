"""The journal of an import: which rows were begun, and how far each has come.

It knows the tenant by its origin, a row by its number and by a keyed digest of its content, and a
user by its id. There is neither an email address, a number, a name nor a password in it: of a
plain password, the digest has only that there is one.
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
# Begun, and neither done nor failed: the process ended in the midst of it.
OPEN: Final = "open"


class Entry(NamedTuple):
    """How far a row has come.

    Attributes:
        number: which row, 0 for the first.
        digest: its content's.
        status: ``CREATED``, ``EXISTED``, ``FAILED`` or ``OPEN``.
        user_id: the user's id, if it is known.
        steps: what is done, separated by blanks.
        http_status: that of the last answer, if it was a refusal.
        error: what went wrong, if anything.
        trace_id: the server's name for that exchange, if it gave one.
        attempts: the requests made for it, the last time that it was tried.
        applied: whether its creation may have been carried out, its answer lost.
        differences: what a user who existed has otherwise, a member a line.
        notes: what to know of the row beside what it says itself.
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
        """Return whether a row may go on from here, by its digest now.

        A row that failed may have been corrected. Where it has a user, that has to be the same
        one still, which the user tells; and one that may have made a user has to be the same.
        """
        if digest == self.digest:
            return True
        return not self.settled and (self.user_id is not None or not self.applied)

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do for the row."""
        return self.status in (CREATED, EXISTED)


class ImportJournal(JournalFile):
    """A journal; no other process can open it meanwhile, and one thread at a time may use it.

    Args:
        path: the file, made if it does not exist; None for a journal that is gone with its end.
        origin: the tenant's.

    Attributes:
        begun: how many rows may have been begun.
        began_at: when the first run of the import began, in seconds since 1970.
        resumed: whether there was an earlier run.

    Raises:
        ConfigurationError: it cannot be used, or is another's; it is unchanged then.
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
            wanted = (self._origin, secrets.token_bytes(32), time.time(), 0)
            run("INSERT INTO import VALUES (?, ?, ?, ?)", wanted)
        origin, self._key, self.began_at, self.begun = run("SELECT * FROM import").fetchone()
        if origin != self._origin:
            why = f"it is of {origin}, and not of {self._origin}"
            raise self._refusal(why, f", or go on with {origin}")
        self.resumed = self.begun > 0

    def _refusal(self, why: str, or_else: str = "") -> ConfigurationError:
        if self._path is None:
            return super()._refusal(why, or_else)
        return ConfigurationError(
            f"the journal {self._path} cannot be used: {why}; nothing was sent: give another "
            f"journal file{or_else}"
        )

    def digest(self, row: ImportRow) -> bytes:
        """Return what a row's content is known by."""
        shown: dict[str, Any] = {n: v for n in _COMPARED if (v := getattr(row, n))}
        shown["password"] = row.password.get("password_hash", bool(row.password))
        shown["temporary"] = row.password.get("is_temporary_password")
        told = _ENCODER.encode(shown).encode()
        return hashlib.blake2b(told, digest_size=8, key=self._key).digest()

    def begin(self, rows: int) -> None:
        """Note that so many rows may be begun.

        Raises:
            JournalError: it cannot be written.
        """
        with self._told():
            self._db.execute("UPDATE import SET begun = ?", (rows,))
        self.begun = rows

    def record(self, entries: Sequence[Entry]) -> None:
        """Keep some entries, all or none; an earlier entry of a row is replaced.

        Raises:
            JournalError: it cannot be written.
        """
        # Many in a statement: SQLite gives up the interpreter's lock in each, and to get it back
        # from the event loop takes longer than all that is written. Few kinds of statements: a
        # prepared one takes memory. What is missing in one, the last entry fills up.
        with self._transaction() as db:
            for first in range(0, len(entries), _LARGE):
                some = entries[first : first + _LARGE]
                size = _SMALL if len(some) <= _SMALL else _LARGE
                filled = chain(some, repeat(some[-1], size - len(some)))
                db.execute(_insert(size), [*chain.from_iterable(filled)])

    def entries(self, first: int, last: int) -> Mapping[int, Entry]:
        """Return the entries of some rows, by their number."""
        with self._told():
            found = self._db.execute(
                "SELECT * FROM entry WHERE number BETWEEN ? AND ?", (first, last)
            )
            return {row[0]: Entry(*row) for row in found}

    def has_other(self, user_id: str, number: int) -> bool:
        """Return whether a user is that of another row."""
        with self._told():
            # Few imports ask, and all would take longer with it.
            self._db.execute("CREATE INDEX IF NOT EXISTS of_user ON entry (user_id)")
            found = self._db.execute(
                "SELECT EXISTS (SELECT * FROM entry WHERE user_id = ? AND number <> ?)",
                (user_id, number),
            )
            return bool(found.fetchone()[0])


# Entries in a statement; SQLite had a limit of 999 values once.
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
