"""A file that survives a crash of the process: a SQLite database with one writer."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import ClassVar

from .errors import ConfigurationError, MonoCloudError

_UNNAMED = "the list of completed work"


class JournalError(MonoCloudError):
    """The journal cannot be read or written."""


class JournalFile(ABC):
    """A journal, locked against other processes and used by one thread at a time.

    Args:
        path: the file, created if it does not exist. None keeps the journal in a temporary file.

    Raises:
        ConfigurationError: the file cannot be used, or is not such a journal; it is unchanged.
    """

    # Four ASCII letters that identify this program's files, and the schema version.
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
        """Check that an existing journal matches this run, or initialize a new one."""

    def _upgrade(self, version: int) -> bool:  # noqa: ARG002  (for subclasses with older versions)
        """Migrate an older schema to this version, and return whether it is known.

        The migration is rolled back if the journal turns out not to match.
        """
        return False

    def _open(self) -> None:
        run = self._db.execute
        # The first transaction takes the lock, which is held until the process ends.
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
        # A crash of the process loses nothing. A power failure may lose the last entries, but
        # leaves no gap before them.
        run("PRAGMA synchronous = NORMAL")

    def _is_new(self) -> bool:
        application = self._db.execute("PRAGMA application_id").fetchone()[0]
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if application == self.application and version == self.version:
            return False
        if application == self.application:
            if not self._upgrade(version):
                raise self._refusal("it was written by another version of this command")
            self._db.execute(f"PRAGMA user_version = {self.version}")
            return False
        if application or version or tables:
            raise self._refusal("it is another program's database")
        return True

    def _refusal(self, why: str, or_else: str = "") -> ConfigurationError:
        problem = f"the journal {self._path} cannot be used: {why}"
        remedy = f"use another --journal file{or_else}"
        if self._path is None:
            problem = f"{_UNNAMED} cannot be kept: {why}"
            remedy = "set TMPDIR to a writable directory"
        return ConfigurationError(f"{problem}; nothing was sent: {remedy}")

    def close(self) -> None:
        """Close the file, and release the lock."""
        with contextlib.suppress(sqlite3.Error):
            self._db.close()

    @contextlib.contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection, None, None]:
        """Commit what is written in the block, or roll it back on an exception."""
        with self._reporting_errors():
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
        """Make what is written in the block survive a power failure too."""
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
            or_else = ", or wait until it ends" if _is_locked(error) else ""
            raise self._refusal(_why(self._path, error), or_else) from None

    @contextlib.contextmanager
    def _reporting_errors(self) -> Generator[None, None, None]:
        try:
            yield
        # Values that SQLite cannot store raise ValueError.
        except (sqlite3.Error, ValueError) as error:
            name = f"the journal {self._path}" if self._path else _UNNAMED
            raise JournalError(f"{name} cannot be kept: {_why(self._path, error)}") from None


def _connected(path: Path | None) -> sqlite3.Connection:
    # An absolute path cannot be one of SQLite's special names, such as ":memory:".
    name = "" if path is None else os.path.abspath(path)  # noqa: PTH100
    return sqlite3.connect(name, timeout=0, isolation_level=None, check_same_thread=False)


def _is_locked(error: Exception) -> bool:
    return "locked" in str(error)


def _why(path: Path | None, error: Exception) -> str:
    """Return what is wrong; SQLite's own message is often uninformative."""
    if _is_locked(error):
        return "another run is using it"
    if path is None:
        return str(error)
    if path.is_dir():
        return "it is a directory"
    place = path if path.exists() else path.parent
    if not place.exists():
        return f"the directory {place} does not exist"
    return str(error) if os.access(place, os.W_OK) else f"{place} is read-only"
