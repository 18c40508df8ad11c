"""A file that survives any end of the process: a SQLite database with one writer."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import ClassVar

from .errors import ConfigurationError, MonoCloudError

_UNNAMED = "the list of what was done"


class JournalError(MonoCloudError):
    """The journal cannot be written, or read."""


class JournalFile(ABC):
    """A journal; no other process can open it meanwhile, and one thread at a time may use it.

    Args:
        path: the file, made if it does not exist; None for a journal that is gone with its end.

    Raises:
        ConfigurationError: it cannot be used, or is another's; it is unchanged then.
    """

    # Four letters of ASCII, which no other program's files have, and the version of the tables.
    application: ClassVar[int]
    version: ClassVar[int]
    tables: ClassVar[Sequence[str]]

    def __init__(self, path: Path | None) -> None:
        self._path = path
        with self._refusing():
            self._db = _connected(path)
        try:
            with self._refusing():
                self._open()
        except BaseException:
            self._db.close()
            raise

    @abstractmethod
    def _begin(self, *, new: bool) -> None:
        """Check that the journal is the one that is wanted, or note what it is of."""

    def _upgrade(self, version: int) -> bool:  # noqa: ARG002  (for those that know older ones)
        """Bring the tables of an older version up to this one, and return whether that is known.

        It is undone where the journal turns out to be another's.
        """
        return False

    def _open(self) -> None:
        run = self._db.execute
        # The lock is taken with the first transaction, and kept: it goes with the process.
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("BEGIN EXCLUSIVE")
        new = self._is_new()
        if new:
            for statement in (
                *self.tables,
                f"PRAGMA application_id = {self.application}",
                f"PRAGMA user_version = {self.version}",
            ):
                run(statement)
        self._begin(new=new)
        run("COMMIT")
        run("PRAGMA journal_mode = WAL")
        # The end of the process loses nothing; a power cut may lose the last entries, never
        # earlier ones than those that it keeps.
        run("PRAGMA synchronous = NORMAL")

    def _is_new(self) -> bool:
        application = self._db.execute("PRAGMA application_id").fetchone()[0]
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if application == self.application and version == self.version:
            return False
        if application == self.application:
            if not self._upgrade(version):
                raise self._refusal("it is of another version of this command")
            self._db.execute(f"PRAGMA user_version = {self.version}")
            return False
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

    def close(self) -> None:
        """Close the file, and give up the lock."""
        with contextlib.suppress(sqlite3.Error):
            self._db.close()

    @contextlib.contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection, None, None]:
        """Keep all that is written within, or nothing of it."""
        with self._told():
            self._db.execute("BEGIN")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _synchronous(self) -> Generator[None, None, None]:
        """Let what is written within survive a power cut as well."""
        self._db.execute("PRAGMA synchronous = FULL")
        try:
            yield
        finally:
            self._db.execute("PRAGMA synchronous = NORMAL")

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
