"""The journal of a run: what became of each row, in a SQLite file that survives any end.

It knows the input by the digest of its content, the tenant by its origin, and the rows by their
number; of a user it keeps a hash, which tells which rows concern the same one. There is neither an
API key nor a phone's number in it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Generator, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, cast

import attrs

from ...errors import ConfigurationError, MonoCloudError
from .columns import By

OK, FAILED, SKIPPED = "ok", "failed", "skipped"

# "MCj1" in ASCII: no other program's files have it.
_APPLICATION = 0x4D436A31
_VERSION = 1
_NEW = (
    "CREATE TABLE input (digest TEXT, origin TEXT, phones_by TEXT, rows INTEGER)",
    """CREATE TABLE entry (
        number INTEGER PRIMARY KEY, user INTEGER NOT NULL, status TEXT NOT NULL,
        http_status INTEGER, error TEXT, trace_id TEXT, attempts INTEGER NOT NULL,
        identifier_id TEXT
    )""",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_VERSION}",
)
_UNNAMED = "the list of what was done"
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


class JournalError(MonoCloudError):
    """The journal cannot be written, or read."""


class Journal:
    """A journal; no other process can open it meanwhile, and one thread at a time may use it.

    Args:
        path: the file, made if it does not exist; None for a journal that is gone with its end.
        subject: what it is of.

    Attributes:
        resumed: whether there were entries in it.

    Raises:
        ConfigurationError: it cannot be used, or is another's; it is unchanged then.
    """

    def __init__(self, path: Path | None, subject: Subject) -> None:
        self._path = path
        with self._refusing():
            self._db = _connected(path)
        try:
            with self._refusing():
                self.resumed: bool = self._open(subject)
        except BaseException:
            self._db.close()
            raise

    def _open(self, subject: Subject) -> bool:
        run = self._db.execute
        # The lock is taken with the first transaction, and kept: it goes with the process.
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("BEGIN EXCLUSIVE")
        self._begin(subject)
        resumed = bool(run("SELECT EXISTS (SELECT * FROM entry)").fetchone()[0])
        if resumed:
            run(_OF_USERS)
        run("COMMIT")
        run("PRAGMA journal_mode = WAL")
        # The end of the process loses nothing; a power cut may lose the last entries, never
        # earlier ones than those that it keeps.
        run("PRAGMA synchronous = NORMAL")
        return resumed

    def _begin(self, subject: Subject) -> None:
        wanted = (subject.digest, subject.origin, subject.by, subject.rows)
        if self._is_new():
            for statement in _NEW:
                self._db.execute(statement)
            self._db.execute("INSERT INTO input VALUES (?, ?, ?, ?)", wanted)
        digest, origin, *_ = self._db.execute("SELECT * FROM input").fetchone()
        if digest != subject.digest:
            why = "it is of another input, or of what this one was before"
            raise self._refusal(why, ", or the input it was made for")
        if origin != subject.origin:
            why = f"it is of {origin}, and not of {subject.origin}"
            raise self._refusal(why, f", or --domain {origin}")

    def _is_new(self) -> bool:
        application = self._db.execute("PRAGMA application_id").fetchone()[0]
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if application == _APPLICATION and version == _VERSION:
            return False
        if application == _APPLICATION:
            raise self._refusal("it is of another version of this command")
        if application or version or tables:
            raise self._refusal("it is a database of something else")
        return True

    def _refusal(self, why: str, or_else: str = "") -> ConfigurationError:
        told = f"the journal {self._path} cannot be used: {why}"
        instead = f"give another --journal file{or_else}"
        if self._path is None:
            told = f"{_UNNAMED} cannot be kept: {why}"
            instead = "set TMPDIR to a directory that can be written"
        return ConfigurationError(f"{told}; nothing was sent: {instead}")

    def record(self, entries: Iterable[Entry]) -> None:
        """Keep some entries, all or none; an earlier entry of a row is replaced.

        Raises:
            JournalError: it cannot be written.
        """
        with self._told():
            self._db.execute("BEGIN")
            try:
                self._db.executemany(
                    "INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?)", entries
                )
                self._db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise

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

    def close(self) -> None:
        """Close the file, and give up the lock."""
        with contextlib.suppress(sqlite3.Error):
            self._db.close()

    @contextlib.contextmanager
    def _refusing(self) -> Generator[None, None, None]:
        try:
            yield
        except sqlite3.Error as error:
            or_else = ", or wait for its end" if _is_locked(error) else ""
            raise self._refusal(_why(self._path, error), or_else) from None

    @contextlib.contextmanager
    def _told(self) -> Generator[None, None, None]:
        try:
            yield
        # What SQLite cannot take is a ValueError.
        except (sqlite3.Error, ValueError) as error:
            name = f"the journal {self._path}" if self._path else _UNNAMED
            raise JournalError(f"{name} cannot be kept: {_why(self._path, error)}") from None


def _connected(path: Path | None) -> sqlite3.Connection:
    # SQLite has names of its own, such as ":memory:", and none of them is absolute.
    name = "" if path is None else os.path.abspath(path)  # noqa: PTH100
    return sqlite3.connect(name, timeout=0, isolation_level=None, check_same_thread=False)


def hash_of(user_id: str) -> int:
    """Return what a journal knows a user by."""
    return int.from_bytes(
        hashlib.blake2b(user_id.encode(), digest_size=8).digest(), "big", signed=True
    )


def _is_locked(error: Exception) -> bool:
    return "locked" in str(error)


def _why(path: Path | None, error: Exception) -> str:
    """Return what is wrong; SQLite often knows no more than that something is."""
    if _is_locked(error):
        return "another run has it in use"
    if path is None:
        return str(error)
    if path.is_dir():
        return "it is a directory"
    place = path if path.exists() else path.parent
    if not place.exists():
        return f"the directory {place} does not exist"
    return str(error) if os.access(place, os.W_OK) else f"{place} is read-only"
