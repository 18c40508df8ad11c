"""Write entries to the journal off the event loop, in chunks, with a bounded backlog."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from .journal import Entry, Journal, JournalError

# The backlog: adding more entries waits, which also holds back sending. Together with the outcomes
# not yet taken from the run, it stays below a hundred.
BEHIND = 60
# Write immediately at this many entries; otherwise wait this long for more.
_DUE = 50
_SECONDS = 0.05


class Recorder:
    """Writes entries to a journal, in the order in which they arrive.

    Args:
        journal: the journal; None to record nothing.
        thread: a single-threaded executor for the journal.
        failed: called with the error if writing fails; nothing more is written after that.

    Attributes:
        lost: the entries that could not be written, in order.
    """

    def __init__(
        self, journal: Journal | None, thread: Executor, failed: Callable[[JournalError], None]
    ) -> None:
        self._journal = journal
        self._thread = thread
        self._failed = failed
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
        """Add an entry, and wait while ``BEHIND`` or more are unwritten."""
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
        if len(self._waiting) >= _DUE:
            self._due.set()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_SECONDS, self._due.set)

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
        if self._unwritten < BEHIND:
            self._room.set()
        else:
            self._room.clear()
