"""Write entries to the journal off the event loop, in chunks, with a bounded backlog."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

import attrs

from .journal import Entry, Journal, JournalError

BEHIND = 60


@attrs.frozen
class Limits:
    """When a recorder writes.

    Attributes:
        due: how many entries are written immediately.
        seconds: how long fewer entries wait for more.
        behind: how many unwritten entries make further ones wait, which also holds back sending.
    """

    due: int
    seconds: float
    behind: int


# Together with the outcomes not yet taken from the run, the backlog stays below a hundred.
OF_A_FILE = Limits(due=50, seconds=0.05, behind=BEHIND)


class Recorder:
    """Writes entries to a journal, in the order in which they arrive.

    Args:
        journal: the journal; None to record nothing.
        thread: a single-threaded executor for the journal.
        failed: called with the error if writing fails; nothing more is written after that.
        limits: when to write.

    Attributes:
        lost: the entries that could not be written, in order.
    """

    def __init__(
        self,
        journal: Journal | None,
        thread: Executor,
        failed: Callable[[JournalError], None],
        limits: Limits = OF_A_FILE,
    ) -> None:
        self._journal = journal
        self._thread = thread
        self._failed = failed
        self._limits = limits
        self.lost: list[Entry] = []
        self._waiting: list[Entry] = []
        self._broken = False
        self._unwritten = 0
        self._ended = False
        self._room = asyncio.Event()
        self._due = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._room.set()

    async def add(self, entry: Entry) -> None:
        """Add an entry, and wait while too many are unwritten."""
        if self._journal is None:
            return
        try:
            while not self._room.is_set():
                await self._room.wait()
        finally:
            # The entry is kept even if the caller is cancelled.
            self._take(entry)

    def _take(self, entry: Entry) -> None:
        if self._broken:
            self.lost.append(entry)
            return
        self._waiting.append(entry)
        self._count(1)
        if len(self._waiting) >= self._limits.due:
            self._due.set()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._limits.seconds, self._due.set)

    async def write(self) -> None:
        """Write entries until ``end`` is called and all are written."""
        try:
            while self._waiting or not self._ended:
                await self._due.wait()
                await self._write()
        except JournalError as error:
            self._broken = True
            self.lost += self._waiting
            # Release waiters: nothing more will be written.
            self._count(-self._unwritten)
            self._failed(error)

    def end(self) -> None:
        """Signal that no more entries will arrive."""
        self._ended = True
        self._due.set()

    async def _write(self) -> None:
        batch, self._waiting = self._waiting, []
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._ended:
            self._due.clear()
        if self._journal is not None and batch:
            await self._record(self._journal, batch)

    async def _record(self, journal: Journal, batch: list[Entry]) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, journal.record, batch)
        except JournalError:
            self.lost += batch
            raise
        self._count(-len(batch))

    def _count(self, change: int) -> None:
        self._unwritten += change
        if self._unwritten < self._limits.behind:
            self._room.set()
        else:
            self._room.clear()
