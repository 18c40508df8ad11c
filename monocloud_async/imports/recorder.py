"""Writes the journal of an import in order and in batches, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from .journal import Entry, ImportJournal, JournalError

T = TypeVar("T")
# The maximum number of unwritten entries; beyond it, adding waits, which throttles sending.
BEHIND = 400


class Limits(NamedTuple):
    """When a recorder writes.

    Attributes:
        due: how many entries are written immediately.
        seconds: how long fewer entries wait for more.
    """

    due: int
    seconds: float


OF_A_FILE = Limits(160, 0.1)


class Recorder:
    """Writes entries to a journal on a dedicated thread, in order of arrival.

    Every method raises JournalError once the journal cannot be written.

    Args:
        journal: the journal. None records nothing.
        limits: when to write.
    """

    def __init__(self, journal: ImportJournal | None, limits: Limits = OF_A_FILE) -> None:
        self.journal = journal
        self._limits = limits
        self._thread = ThreadPoolExecutor(1, "monocloud-journal")
        self._waiting: list[Entry] = []
        # How many entries were added, and how many of them are written.
        self._added = self._written = 0
        self._begun = self._begun_written = journal.begun if journal else 0
        self._failure: JournalError | None = None
        self._ended = False
        self._due = asyncio.Event()
        self._news = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._writing = asyncio.create_task(self._write()) if journal else None

    async def ask(self, method: Callable[..., T], *args: object) -> T:
        """Return the result of a journal method, called on the journal's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, method, *args)

    async def has_other(self, user_id: str, number: int) -> bool:
        """Return whether a user belongs to another row."""
        if self.journal is None:
            return False
        if any(e.user_id == user_id and e.number != number for e in self._waiting):
            return True
        return await self.ask(self.journal.has_other, user_id, number)

    def begin(self, rows: int) -> None:
        """Record, with the next entries, the number of rows that may be started."""
        self._begun = rows

    async def begun(self, rows: int) -> int:
        """Wait until the journal covers this many rows, and return how many it covers."""
        while self._begun_written < rows:
            self._due.set()
            await self._wait()
        return self._begun_written

    async def add(self, entry: Entry) -> None:
        """Queue an entry, and wait while ``BEHIND`` or more are unwritten."""
        if self.journal is None:
            return
        self.check()
        self._waiting.append(entry)
        self._added += 1
        if len(self._waiting) >= self._limits.due:
            self._due.set()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._limits.seconds, self._due.set)
        while self._added - self._written >= BEHIND:
            await self._wait()

    async def written(self, entry: Entry) -> None:
        """Queue an entry, and wait until it is written."""
        await self.add(entry)
        last = self._added
        self._due.set()
        while self._written < last:
            await self._wait()

    async def end(self) -> None:
        """Write the remaining entries."""
        self._ended = True
        self._due.set()
        if self._writing:
            await self._writing
        self._thread.shutdown()

    async def _wait(self) -> None:
        self._news.clear()
        await self._news.wait()
        self.check()

    def check(self) -> None:
        """Raise the journal's failure, if it has failed."""
        if self._failure:
            raise type(self._failure)(*self._failure.args)

    async def _write(self) -> None:
        try:
            while self._waiting or not self._ended:
                await self._due.wait()
                await self._write_some()
        except JournalError as error:
            self._failure = error
            self._news.set()

    async def _write_some(self) -> None:
        batch, self._waiting = self._waiting, []
        begun = self._begun
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._ended:
            self._due.clear()
        if batch or begun > self._begun_written:
            await self.ask(self._keep, batch, begun)
            self._written += len(batch)
            self._begun_written = begun
            self._news.set()

    def _keep(self, batch: Sequence[Entry], begun: int) -> None:
        """Write on the journal's thread in one go, because switching threads takes longer."""
        if self.journal is None:
            return
        if batch:
            self.journal.record(batch)
        if begun > self.journal.begun:
            self.journal.begin(begun)
