"""The order of a run: rows with the same key run in sequence, all others concurrently."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from .rows import Rows, RunRow

# The maximum number of rows that wait for an earlier row with the same key.
LOOK_AHEAD = 1000


class Order:
    """Hands rows to workers so that no two rows with the same key are in flight together.

    Args:
        rows: the rows.
        stopped: returns whether to start no further rows.
    """

    def __init__(self, rows: Rows, stopped: Callable[[], bool]) -> None:
        self._rows = rows
        self._stopped = stopped
        self._reading = asyncio.Lock()
        self._room = asyncio.Event()
        # The waiting rows for each key in flight; None instead of an empty queue.
        self._queues: dict[str | int, deque[RunRow] | None] = {}
        self._waiting = 0
        self._ended = False
        self.failure: Exception | None = None

    async def first(self) -> RunRow | None:
        """Return a row whose key is not in flight, or None after the last row."""
        if self._rows.synchronous:
            return await self._first()
        async with self._reading:
            return await self._first()

    async def _first(self) -> RunRow | None:
        while not self._ended:
            row = self._read_now() if self._rows.synchronous else await self._read()
            self._ended |= row is None
            if row is None or self._starts(row):
                return row
            while self._waiting >= LOOK_AHEAD and not self._ended:
                self._room.clear()
                await self._room.wait()
        return None

    def following(self, row: RunRow) -> RunRow | None:
        """Return the next row with the same key, once a row is done; None if no row is waiting."""
        if row.key is None:
            return None
        queue = None if self._stops() else self._queues[row.key]
        if not queue:
            del self._queues[row.key]
            return None
        self._waiting -= 1
        self._room.set()
        return queue.popleft()

    def let_go(self) -> None:
        """Drop the reference to the caller's rows; no further rows are read."""
        self._rows.let_go()

    def _stops(self) -> bool:
        """Return whether to leave waiting rows alone; wakes workers that wait to read more."""
        if self._stopped():
            self._ended = True
            self._room.set()
            return True
        return self.failure is not None

    def _read_now(self) -> RunRow | None:
        try:
            return self._rows.next_now()
        except Exception as error:
            # Rows in flight complete, and no new row starts.
            self.failure = error
            return None

    async def _read(self) -> RunRow | None:
        try:
            return await self._rows.next()
        except Exception as error:
            self.failure = error
            return None

    def _starts(self, row: RunRow) -> bool:
        """Return whether a row can start now; if not, queue it behind its key."""
        if row.key is None:
            return True
        if row.key not in self._queues:
            self._queues[row.key] = None
            return True
        queue = self._queues[row.key]
        if queue is None:
            queue = self._queues[row.key] = deque()
        queue.append(row)
        self._waiting += 1
        return False
