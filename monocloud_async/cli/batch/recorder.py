"""What goes to the journal: off the event loop, many entries at once, and never far behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from .journal import Entry, Journal, JournalError

# How many entries may be unwritten; who adds more waits, and then so does what is to be sent. With
# the outcomes that wait to be taken from the run, they are less than a hundred.
BEHIND = 60
# What is written without waiting for more, and how long it is waited for more.
_DUE = 50
_SECONDS = 0.05


class Recorder:
    """Writes entries to a journal, in the order in which they come.

    Args:
        journal: where to; None keeps nothing.
        thread: what the journal is used on, and nothing but one thread.
        failed: is called with what went wrong; nothing is written any more after that.

    Attributes:
        lost: the entries that could not be written, in their order.
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
        """Take an entry, and wait while ``BEHIND`` or more are unwritten."""
        if self._journal is None:
            return
        try:
            while not self._room.is_set():
                await self._room.wait()
        finally:
            # Who is cancelled meanwhile has an entry all the same.
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
        """Write what comes, until ``end`` is called and all is written."""
        try:
            while self._waiting or not self._ended:
                await self._due.wait()
                await self._write()
        except JournalError as error:
            self._broken = True
            self.lost += self._waiting
            # Nobody is to wait for what is never going to be written.
            self._count(-self._unwritten)
            self._failed(error)

    def end(self) -> None:
        """Say that no more entries come."""
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

    def _count(self, more: int) -> None:
        self._unwritten += more
        if self._unwritten < BEHIND:
            self._room.set()
        else:
            self._room.clear()
