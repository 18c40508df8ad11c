"""The journal of a run: what became of each row, in a SQLite file that survives any end.

It knows the input by the digest of its content, the tenant by its origin, and the rows by their
number; of a user it keeps a hash, which tells which rows concern the same one. There is neither an
API key nor an argument in it.

Of an operation that must not be repeated blindly it also keeps up to which row the rows were given
out: one of these without an entry may have been sent, and its answer lost with the process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple, cast

import attrs

from ..._journal_file import JournalError, JournalFile

__all__ = [
    "FAILED",
    "OK",
    "SKIPPED",
    "UNKNOWN",
    "Entry",
    "Journal",
    "JournalError",
    "Subject",
    "hash_of",
]

OK, FAILED, SKIPPED = "ok", "failed", "skipped"
# Sent, of an operation that must not be repeated, and perhaps applied.
UNKNOWN = "unknown"
# What the journals of version 1 are of, too.
SET_PRIMARY_MANY = "phones.set_primary_many"

_OF_USERS = (
    "CREATE INDEX IF NOT EXISTS done ON entry (user, number) WHERE status IN ('ok', 'unknown')"
)
_RECORD = "INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_UPGRADE = (
    "ALTER TABLE input RENAME COLUMN phones_by TO operation",
    "ALTER TABLE input ADD COLUMN settings TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE input ADD COLUMN begun INTEGER NOT NULL DEFAULT 0",
    "UPDATE input SET operation = 'phones.set_primary_many'",
    "ALTER TABLE entry ADD COLUMN result TEXT",
    "DROP INDEX IF EXISTS done",
    "CREATE TABLE unsent (number INTEGER PRIMARY KEY)",
)
_LOST = """
INSERT INTO entry (number, user, status, error, attempts)
WITH RECURSIVE row (number) AS (
    SELECT 1 UNION ALL SELECT number + 1 FROM row WHERE number < :begun
)
SELECT number, 0, :unknown, :error, 0 FROM row
WHERE number NOT IN (SELECT number FROM entry) AND number NOT IN (SELECT number FROM unsent)
"""
_FOLLOW = """
INSERT OR REPLACE INTO entry
SELECT number, user, CASE before WHEN identifier_id THEN :already ELSE :change END, http_status,
    error, trace_id, attempts, identifier_id, result
FROM (
    SELECT *, lag(identifier_id) OVER (PARTITION BY user ORDER BY number) AS before
    FROM entry WHERE status IN (:change, :already)
)
WHERE before IS NOT NULL
"""


class Entry(NamedTuple):
    """What became of a row.

    Attributes:
        number: which row.
        user: the hash of its user's id.
        status: ``OK``, ``FAILED``, ``SKIPPED`` or ``UNKNOWN``; of a dry run, what would become of
            it.
        http_status: that of the last answer, if there was one.
        error: what went wrong, if anything.
        trace_id: the server's name for the exchange, if it gave one.
        attempts: how often it was sent, the last time that it was.
        identifier_id: the phone's, where the row does not say it.
        result: what the operation returned, as JSON, where that is wanted.
    """

    number: int
    user: int
    status: str
    http_status: int | None = None
    error: str | None = None
    trace_id: str | None = None
    attempts: int = 0
    identifier_id: str | None = None
    result: str | None = None


@attrs.frozen
class Subject:
    """What a journal is of: an input, the tenant that it is sent to, and what is done with it.

    Attributes:
        settings: what makes the same rows mean something else, such as arguments for all of them.
    """

    digest: str
    origin: str
    operation: str
    rows: int
    settings: str = ""


class Journal(JournalFile):
    """A journal; no other process can open it meanwhile, and one thread at a time may use it.

    Args:
        path: the file, made if it does not exist; None for a journal that is gone with its end.
        subject: what it is of.

    Attributes:
        resumed: whether an earlier run has left something in it.
        begun: the last row that was given out, where that is kept.

    Raises:
        ConfigurationError: it cannot be used, or is another's; it is unchanged then.
    """

    application = 0x4D436A31  # "MCj1"
    version = 2
    tables: ClassVar[Sequence[str]] = (
        """CREATE TABLE input (
            digest TEXT, origin TEXT, operation TEXT, rows INTEGER, settings TEXT NOT NULL,
            begun INTEGER NOT NULL
        )""",
        """CREATE TABLE entry (
            number INTEGER PRIMARY KEY, user INTEGER NOT NULL, status TEXT NOT NULL,
            http_status INTEGER, error TEXT, trace_id TEXT, attempts INTEGER NOT NULL,
            identifier_id TEXT, result TEXT
        )""",
        # Those up to the last that was given out which were certainly not sent.
        "CREATE TABLE unsent (number INTEGER PRIMARY KEY)",
    )

    def __init__(self, path: Path | None, subject: Subject) -> None:
        self._subject = subject
        self.resumed: bool = False
        self.begun: int = 0
        super().__init__(path)

    def _upgrade(self, version: int) -> bool:
        if version != 1:
            return False
        for statement in _UPGRADE:
            self._db.execute(statement)
        return True

    def _begin(self, *, new: bool) -> None:
        wanted, run = self._subject, self._db.execute
        if new:
            row = (wanted.digest, wanted.origin, wanted.operation, wanted.rows, wanted.settings)
            run("INSERT INTO input VALUES (?, ?, ?, ?, ?, 0)", row)
        *found, self.begun = run("SELECT * FROM input").fetchone()
        self._compare(Subject(*found))
        entries = run("SELECT EXISTS (SELECT * FROM entry)").fetchone()[0]
        self.resumed = bool(entries or self.begun)
        if entries:
            run(_OF_USERS)

    def _compare(self, found: Subject) -> None:
        wanted = self._subject
        if found.digest != wanted.digest:
            why = "it is of another input, or of what this one was before"
            raise self._refusal(why, ", or the input it was made for")
        if found.origin != wanted.origin:
            why = f"it is of {found.origin}, and not of {wanted.origin}"
            raise self._refusal(why, f", or --domain {found.origin}")
        if found.operation != wanted.operation:
            raise self._refusal(f"it is of {found.operation}, and not of {wanted.operation}")
        if found.settings != wanted.settings:
            why = f"it is of {found.operation} with other arguments for all rows"
            raise self._refusal(why, ", or --set and --null as before")

    def record(self, entries: Iterable[Entry]) -> None:
        """Keep some entries, all or none; an earlier entry of a row is replaced.

        Raises:
            JournalError: it cannot be written.
        """
        with self._transaction() as db:
            db.executemany(_RECORD, entries)

    def begin(self, numbers: Sequence[int], again: Iterable[Entry]) -> None:
        """Note that some rows are about to be given out.

        Args:
            numbers: the rows.
            again: the entries of those that have one, as they have to stand while it is not known
                what becomes of them.

        Raises:
            JournalError: it cannot be written; they must not be given out.
        """
        # Not even a power cut may lose it: what is not noted is sent again.
        with self._told(), self._synchronous(), self._transaction() as db:
            db.executemany(_RECORD, again)
            db.executemany("DELETE FROM unsent WHERE number = ?", ((n,) for n in numbers))
            db.execute("UPDATE input SET begun = max(begun, ?)", (max(numbers),))

    def settle(self, entries: Iterable[Entry], unsent: Iterable[int]) -> None:
        """Keep what a run leaves of the rows that were given out.

        Args:
            entries: those to be kept.
            unsent: the rows without an entry that were certainly not sent.

        Raises:
            JournalError: it cannot be written.
        """
        with self._transaction() as db:
            db.executemany(_RECORD, entries)
            db.executemany("INSERT OR REPLACE INTO unsent VALUES (?)", ((n,) for n in unsent))

    def note_lost(self, error: str) -> None:
        """Give each row that was given out, and came to nothing that is known, an entry as such.

        Args:
            error: what the entry says.
        """
        if self.begun:
            with self._told():
                values = {"begun": self.begun, "unknown": UNKNOWN, "error": error}
                self._db.execute(_LOST, values)

    def unnamed(self) -> Collection[int]:
        """Return the rows that may be done, and whose user is not known."""
        with self._told():
            found = self._db.execute(
                "SELECT number FROM entry WHERE user = 0 AND status = 'unknown'"
            )
            return {row[0] for row in found}

    def name(self, users: Mapping[int, int]) -> None:
        """Keep the hashes of the users of rows that have an entry, by the rows' numbers.

        Raises:
            JournalError: it cannot be written.
        """
        with self._transaction() as db:
            given = ((user, number) for number, user in users.items())
            db.executemany("UPDATE entry SET user = ? WHERE number = ?", given)

    def entries(self, first: int, last: int) -> Mapping[int, Entry]:
        """Return the entries of some rows, by their number."""
        with self._told():
            found = self._db.execute(
                "SELECT * FROM entry WHERE number BETWEEN ? AND ?", (first, last)
            )
            return {row[0]: Entry(*row) for row in found}

    def done_after(self, number: int, user: int) -> int | None:
        """Return the last row of a user after this one that is done, or may be."""
        with self._told():
            found = self._db.execute(
                "SELECT max(number) FROM entry WHERE user = ? AND number > ? "
                "AND status IN ('ok', 'unknown')",
                (user, number),
            )
            return cast("int | None", found.fetchone()[0])

    def counts(self) -> dict[str, int]:
        """Return how many entries there are of each status."""
        with self._told():
            return dict(self._db.execute("SELECT status, count(*) FROM entry GROUP BY status"))

    def follow(self, change: str, already: str) -> None:
        """Let each entry say what it would come to after the earlier ones of its user.

        Args:
            change: the status of entries that would make their phone the primary one.
            already: the status of those whose phone is.
        """
        with self._told():
            self._db.execute(_FOLLOW, {"change": change, "already": already})


def hash_of(user_id: str) -> int:
    """Return what a journal knows a user by."""
    return int.from_bytes(
        hashlib.blake2b(user_id.encode(), digest_size=8).digest(), "big", signed=True
    )
