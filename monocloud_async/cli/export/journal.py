"""The journal of an export: which users are written, so that the export can resume."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, NamedTuple

import attrs

from ..._journal_file import JournalFile
from ...errors import ConfigurationError, NotFoundError
from ...exports.engine import Start
from ...exports.row import Done, Row
from ...exports.seen import MOST, Key, Seen

_RETRIED = -1


@attrs.frozen
class Subject:
    """What a journal belongs to: a tenant, a file and a format.

    Attributes:
        origin: the tenant's origin.
        target: the path of the file.
        form: the options and the format, as text.
    """

    origin: str
    target: str
    form: str


class State(NamedTuple):
    """The progress of an export.

    Attributes:
        size: how many bytes of the unfinished file to keep.
        exported: how many users are written.
        vanished: how many users were removed before they could be read.
        at_start: how many users the list had at the start.
        whole: whether all users are written.
        base: all users with a lower number are done.
    """

    size: int = 0
    exported: int = 0
    vanished: int = 0
    at_start: int | None = None
    whole: int = 0
    base: int = 0


class ExportJournal(JournalFile):
    """A journal, locked against other processes; use it from one thread at a time.

    Args:
        path: the file, created if it does not exist.
        subject: what it belongs to.
        part: the unfinished file, which must not exist for a new journal.

    Attributes:
        state: the progress of the export.

    Raises:
        ConfigurationError: the file cannot be used, or belongs to another export; it is unchanged.
    """

    application = 0x4D437831  # "MCx1"
    version = 1
    tables: ClassVar[Sequence[str]] = (
        "CREATE TABLE subject (origin TEXT, target TEXT, form TEXT)",
        """CREATE TABLE state (
            size INTEGER, exported INTEGER, vanished INTEGER, at_start INTEGER, whole INTEGER,
            base INTEGER
        )""",
        # The last users in list order; old ones are pruned.
        """CREATE TABLE done (
            number INTEGER PRIMARY KEY, digest INTEGER NOT NULL, created REAL, position INTEGER
        )""",
        # Users done in earlier runs although users before them were not.
        "CREATE TABLE early (digest INTEGER PRIMARY KEY)",
        "CREATE TABLE failed (digest INTEGER PRIMARY KEY, user_id TEXT NOT NULL)",
    )

    def __init__(self, path: Path, subject: Subject, part: Path) -> None:
        self._subject = subject
        self._part = part
        self.state: State = State()
        with suppress(OSError):
            # SQLite would create it readable by others.
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        super().__init__(path)
        self._low = self.state.base
        self._beyond: set[int] = set()

    def _begin(self, *, new: bool) -> None:
        run, wanted = self._db.execute, attrs.astuple(self._subject)
        if not new:
            self._check(run("SELECT * FROM subject").fetchone())
            self.state = State(*run("SELECT * FROM state").fetchone())
            if self.state.whole and not self._part.exists():
                self._start_over()
            return
        if self._part.exists():
            raise self._refusal(
                f"{self._part} exists and belongs to another export", ", or remove that file"
            )
        run("INSERT INTO subject VALUES (?, ?, ?)", wanted)
        run("INSERT INTO state VALUES (?, ?, ?, ?, ?, ?)", self.state)

    def _check(self, found: tuple[str, str, str]) -> None:
        subject = Subject(*found)
        if subject.origin != self._subject.origin:
            why = f"it belongs to {subject.origin}, not {self._subject.origin}"
            raise self._refusal(why, f", or --domain {subject.origin}")
        if subject.target != self._subject.target:
            raise self._refusal(f"it belongs to {subject.target}, not {self._subject.target}")
        if subject.form != self._subject.form:
            raise self._refusal(
                f"it belongs to an export with other options ({subject.form}, not "
                f"{self._subject.form})"
            )

    def _start_over(self) -> None:
        for table in ("done", "early", "failed"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608  (the three above)
        self._save(State())

    def start(self) -> Start:
        """Return where to start: where earlier runs stopped."""
        with self._transaction() as db:
            low = self._low = self._first_gap()
            db.execute(
                "INSERT OR IGNORE INTO early SELECT digest FROM done WHERE number >= ?", (low,)
            )
            db.execute("DELETE FROM done WHERE number >= ?", (low,))
            seen, position = Seen(forgets=self.state.base > 0), 0
            for _, digest, created, place in db.execute("SELECT * FROM done ORDER BY number"):
                seen.add(Key(digest, created))
                position = place + 1
            early = {digest for (digest,) in db.execute("SELECT digest FROM early")}
            failed = [_retried(*row) for row in db.execute("SELECT * FROM failed")]
        return Start(position=position, number=low, seen=seen, done=early, first=failed)

    def _first_gap(self) -> int:
        base = self.state.base
        found = self._db.execute(
            """SELECT number + 1 FROM done AS one WHERE number >= ? AND NOT EXISTS
                (SELECT * FROM done WHERE number = one.number + 1) ORDER BY number LIMIT 1""",
            (base,),
        ).fetchone()
        has_base = self._db.execute("SELECT 1 FROM done WHERE number = ?", (base,)).fetchone()
        return int(found[0]) if found and has_base else base

    def record(self, finished: Iterable[Done], state: State) -> None:
        """Record finished users and the progress, all or nothing.

        Raises:
            JournalError: the journal cannot be written.
        """
        listed = [done.row for done in finished if done.row.number != _RETRIED]
        with self._transaction() as db:
            db.executemany("INSERT OR REPLACE INTO done VALUES (?, ?, ?, ?)", map(_entry, listed))
            db.executemany(
                "DELETE FROM early WHERE digest = ?", [(row.key.digest,) for row in listed]
            )
            self._record_failures(finished)
            self._save(state._replace(base=self._new_base(listed)))

    def _record_failures(self, finished: Iterable[Done]) -> None:
        for done in finished:
            user_id, digest = done.row.user_id, done.row.key.digest
            if done.error is not None and not isinstance(done.error, NotFoundError):
                self._db.execute("INSERT OR REPLACE INTO failed VALUES (?, ?)", (digest, user_id))
            elif done.row.number == _RETRIED:
                self._db.execute("DELETE FROM failed WHERE digest = ?", (digest,))

    def _new_base(self, listed: Sequence[Row]) -> int:
        """Return the base, moved up once far more users than needed are kept below it."""
        self._beyond.update(row.number for row in listed)
        while self._low in self._beyond:
            self._beyond.remove(self._low)
            self._low += 1
        if self._low - self.state.base < 2 * MOST:
            return self.state.base
        base = self._low - MOST
        self._db.execute("DELETE FROM done WHERE number < ?", (base,))
        return base

    def _save(self, state: State) -> None:
        self.state = state
        self._db.execute(
            "UPDATE state SET size = ?, exported = ?, vanished = ?, at_start = ?, whole = ?, "
            "base = ?",
            state,
        )


def _entry(row: Row) -> tuple[int, int, float | None, int]:
    return row.number, row.key.digest, row.key.created, row.position


def _retried(digest: int, user_id: str) -> Row:
    return Row(user_id, Key(digest, None), 0, _RETRIED)


def missing(part: Path) -> ConfigurationError:
    """Return the error for a journal whose file is missing."""
    return ConfigurationError(
        f"the journal's file {part} is missing or truncated; nothing was sent: restore it, or use "
        "another --journal file"
    )
