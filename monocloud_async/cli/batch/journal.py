"""The journal of a run: what became of each row, in a SQLite file that survives any end.

It knows the input by the digest of its content, the tenant by its origin, and the rows by their
number; of a user it keeps a hash, which tells which rows concern the same one. There is neither an
API key nor a phone's number in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, cast

import attrs

from ..._journal_file import JournalError, JournalFile
from .columns import By

__all__ = ["FAILED", "OK", "SKIPPED", "Entry", "Journal", "JournalError", "Subject", "hash_of"]

OK, FAILED, SKIPPED = "ok", "failed", "skipped"

_OF_USERS = "CREATE INDEX IF NOT EXISTS done ON entry (user, number) WHERE status = 'ok'"
_FOLLOW = """
INSERT OR REPLACE INTO entry
SELECT number, user, CASE before WHEN identifier_id THEN :already ELSE :change END, http_status,
    error, trace_id, attempts, identifier_id
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
        status: ``OK``, ``FAILED`` or ``SKIPPED``; of a dry run, what would become of it.
        http_status: that of the last answer, if there was one.
        error: what went wrong, if anything.
        trace_id: the server's name for the exchange, if it gave one.
        attempts: how often it was sent, the last time that it was.
        identifier_id: the phone's, where the row does not say it.
    """

    number: int
    user: int
    status: str
    http_status: int | None = None
    error: str | None = None
    trace_id: str | None = None
    attempts: int = 0
    identifier_id: str | None = None


@attrs.frozen
class Subject:
    """What a journal is of: an input, and the tenant that it is sent to."""

    digest: str
    origin: str
    by: By
    rows: int


class Journal(JournalFile):
    """A journal; no other process can open it meanwhile, and one thread at a time may use it.

    Args:
        path: the file, made if it does not exist; None for a journal that is gone with its end.
        subject: what it is of.

    Attributes:
        resumed: whether there were entries in it.

    Raises:
        ConfigurationError: it cannot be used, or is another's; it is unchanged then.
    """

    application = 0x4D436A31  # "MCj1"
    version = 1
    tables = (
        "CREATE TABLE input (digest TEXT, origin TEXT, phones_by TEXT, rows INTEGER)",
        """CREATE TABLE entry (
            number INTEGER PRIMARY KEY, user INTEGER NOT NULL, status TEXT NOT NULL,
            http_status INTEGER, error TEXT, trace_id TEXT, attempts INTEGER NOT NULL,
            identifier_id TEXT
        )""",
    )

    def __init__(self, path: Path | None, subject: Subject) -> None:
        self._subject = subject
        self.resumed: bool = False
        super().__init__(path)

    def _begin(self, *, new: bool) -> None:
        subject, run = self._subject, self._db.execute
        if new:
            wanted = (subject.digest, subject.origin, subject.by, subject.rows)
            run("INSERT INTO input VALUES (?, ?, ?, ?)", wanted)
        digest, origin, *_ = run("SELECT * FROM input").fetchone()
        if digest != subject.digest:
            why = "it is of another input, or of what this one was before"
            raise self._refusal(why, ", or the input it was made for")
        if origin != subject.origin:
            why = f"it is of {origin}, and not of {subject.origin}"
            raise self._refusal(why, f", or --domain {origin}")
        self.resumed = bool(run("SELECT EXISTS (SELECT * FROM entry)").fetchone()[0])
        if self.resumed:
            run(_OF_USERS)

    def record(self, entries: Iterable[Entry]) -> None:
        """Keep some entries, all or none; an earlier entry of a row is replaced.

        Raises:
            JournalError: it cannot be written.
        """
        with self._transaction() as db:
            db.executemany("INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?)", entries)

    def entries(self, first: int, last: int) -> Mapping[int, Entry]:
        """Return the entries of some rows, by their number."""
        with self._told():
            found = self._db.execute(
                "SELECT * FROM entry WHERE number BETWEEN ? AND ?", (first, last)
            )
            return {row[0]: Entry(*row) for row in found}

    def done_after(self, number: int, user: int) -> int | None:
        """Return the last row of a user after this one that is done, if there is one."""
        with self._told():
            found = self._db.execute(
                "SELECT max(number) FROM entry WHERE user = ? AND number > ? AND status = 'ok'",
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
