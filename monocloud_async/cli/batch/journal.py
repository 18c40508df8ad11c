"""The journal of a run: the outcome of each row, in a SQLite file that survives a crash.

It identifies the input by the digest of its content, the tenant by its origin, and rows by their
number. It keeps a hash of each user's id, to tell which rows belong to the same user. It holds
neither the API key nor any arguments.

For an operation that must not be retried blindly, it also keeps the last row that was handed out:
a row up to there without an entry may have been sent before the process died.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, cast

import attrs

from ..._journal_file import JournalError, JournalFile
from .entry import FAILED, OK, SKIPPED, UNKNOWN, Entry, hash_of

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

# Version 1 journals belong to this operation, too.
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


@attrs.frozen
class Subject:
    """What a journal belongs to: an input, a tenant and an operation.

    Attributes:
        settings: a digest of settings that change what rows mean, such as ``--set``.
    """

    digest: str
    origin: str
    operation: str
    rows: int
    settings: str = ""


class Journal(JournalFile):
    """A journal, locked against other processes; use it from one thread at a time.

    Args:
        path: the file, created if it does not exist; None for a temporary journal.
        subject: what it belongs to.

    Attributes:
        resumed: whether an earlier run left entries in it.
        begun: the last row that was handed out, if that is recorded.

    Raises:
        ConfigurationError: the file cannot be used, or belongs to another run; it is unchanged.
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
        # Rows up to the last one handed out that were certainly not sent.
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
        *found, _ = run("SELECT * FROM input").fetchone()
        self._compare(Subject(*found))
        self._resume()

    def _resume(self) -> None:
        """Find out what earlier runs left."""
        run = self._db.execute
        self.begun = run("SELECT begun FROM input").fetchone()[0]
        entries = run("SELECT EXISTS (SELECT * FROM entry)").fetchone()[0]
        self.resumed = bool(entries or self.begun)
        if entries:
            run(_OF_USERS)

    def check(self) -> None:
        """Check that rows may be handed out; a file is locked, so nobody else can.

        Raises:
            JournalError: another run has taken over; no rows must be handed out.
        """

    def _compare(self, found: Subject) -> None:
        wanted = self._subject
        if found.digest != wanted.digest:
            why = "it belongs to another input, or to an earlier version of this one"
            raise self._refusal(why, ", or the original input")
        if found.origin != wanted.origin:
            why = f"it belongs to {found.origin}, not {wanted.origin}"
            raise self._refusal(why, f", or --domain {found.origin}")
        if found.operation != wanted.operation:
            raise self._refusal(f"it belongs to {found.operation}, not {wanted.operation}")
        if found.settings != wanted.settings:
            why = f"it belongs to {found.operation} with other --set or --null options"
            raise self._refusal(why, ", or the same options as before")

    def record(self, entries: Iterable[Entry]) -> None:
        """Record entries, all or none, replacing earlier entries of the same rows.

        Raises:
            JournalError: the journal cannot be written.
        """
        with self._transaction() as db:
            db.executemany(_RECORD, entries)

    def begin(self, numbers: Sequence[int], again: Iterable[Entry]) -> None:
        """Note that rows are about to be handed out.

        Args:
            numbers: the rows.
            again: the provisional entries of those that have one, until their outcome is known.

        Raises:
            JournalError: the journal cannot be written; the rows must not be handed out.
        """
        # This must survive a power cut: a row that is not noted would be resent.
        with self._reporting_errors(), self._synchronous(), self._transaction() as db:
            db.executemany(_RECORD, again)
            db.executemany("DELETE FROM unsent WHERE number = ?", ((n,) for n in numbers))
            db.execute("UPDATE input SET begun = max(begun, ?)", (max(numbers),))

    def settle(self, entries: Iterable[Entry], unsent: Iterable[int]) -> None:
        """Record the state of the rows that a run handed out.

        Args:
            entries: the entries to record.
            unsent: the rows without an entry that were certainly not sent.

        Raises:
            JournalError: the journal cannot be written.
        """
        with self._transaction() as db:
            db.executemany(_RECORD, entries)
            db.executemany("INSERT OR REPLACE INTO unsent VALUES (?)", ((n,) for n in unsent))

    def note_lost(self, error: str) -> None:
        """Record an entry for each row that was handed out and has no known outcome.

        Args:
            error: the error message of the entry.
        """
        if self.begun:
            with self._reporting_errors():
                values = {"begun": self.begun, "unknown": UNKNOWN, "error": error}
                self._db.execute(_LOST, values)

    def unnamed(self) -> Collection[int]:
        """Return the rows that may be done and whose user is unknown."""
        with self._reporting_errors():
            found = self._db.execute(
                "SELECT number FROM entry WHERE user = 0 AND status = 'unknown'"
            )
            return {row[0] for row in found}

    def name(self, users: Mapping[int, int]) -> None:
        """Record the user hashes of rows that have an entry, by row number.

        Raises:
            JournalError: the journal cannot be written.
        """
        with self._transaction() as db:
            given = ((user, number) for number, user in users.items())
            db.executemany("UPDATE entry SET user = ? WHERE number = ?", given)

    def entries(self, first: int, last: int) -> Mapping[int, Entry]:
        """Return the entries of a range of rows, by row number."""
        with self._reporting_errors():
            found = self._db.execute(
                "SELECT * FROM entry WHERE number BETWEEN ? AND ?", (first, last)
            )
            return {row[0]: Entry(*row) for row in found}

    def of_status(self, status: str) -> Sequence[Entry]:
        """Return the entries with a status, by row number."""
        with self._reporting_errors():
            found = self._db.execute(
                "SELECT * FROM entry WHERE status = ? ORDER BY number", (status,)
            )
            return [Entry(*row) for row in found]

    def done_after(self, number: int, user: int) -> int | None:
        """Return the user's last row after this one that is done, or may be."""
        with self._reporting_errors():
            found = self._db.execute(
                "SELECT max(number) FROM entry WHERE user = ? AND number > ? "
                "AND status IN ('ok', 'unknown')",
                (user, number),
            )
            return cast("int | None", found.fetchone()[0])

    def counts(self) -> dict[str, int]:
        """Return the number of entries per status."""
        with self._reporting_errors():
            return dict(self._db.execute("SELECT status, count(*) FROM entry GROUP BY status"))

    def follow(self, change: str, already: str) -> None:
        """Update each entry for the effect of the user's earlier rows.

        Args:
            change: the status of entries that would make their phone primary.
            already: the status of entries whose phone is primary already.
        """
        with self._reporting_errors():
            self._db.execute(_FOLLOW, {"change": change, "already": already})
