"""The order of a run: rows with one key one after the other, others beside them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from .rows import Rows, RunRow

# How many rows wait, at most, for an earlier one with their key, while others are begun.
LOOK_AHEAD = 1000


class Order:
    """Hands out rows to workers so that no two with one key are in work at once.

    Args:
        rows: the rows.
        stopped: whether to begin no further row.
    """

    def __init__(self, rows: Rows, stopped: Callable[[], bool]) -> None:
        self._rows = rows
        self._stopped = stopped
        self._reading = asyncio.Lock()
        self._room = asyncio.Event()
        # For each key in work, the rows that wait for their turn; None instead of an empty line.
        self._lines: dict[str | int, deque[RunRow] | None] = {}
        self._waiting = 0
        self._ended = False
        self.failure: Exception | None = None

    async def first(self) -> RunRow | None:
        """Return a row whose key is not in work, or None after the last."""
        if self._rows.come_at_once:
            return await self._first()
        async with self._reading:
            return await self._first()

    async def _first(self) -> RunRow | None:
        while not self._ended:
            row = self._read_at_once() if self._rows.come_at_once else await self._read()
            self._ended |= row is None
            if row is None or self._starts(row):
                return row
            while self._waiting >= LOOK_AHEAD and not self._ended:
                self._room.clear()
                await self._room.wait()
        return None

    def following(self, row: RunRow) -> RunRow | None:
        """Return the row that waited for the one that is done; None where none did."""
        if row.key is None:
            return None
        line = None if self._stops() else self._lines[row.key]
        if not line:
            del self._lines[row.key]
            return None
        self._waiting -= 1
        self._room.set()
        return line.popleft()

    def let_go(self) -> None:
        """Drop the caller's rows: from now on, none are left."""
        self._rows.let_go()

    def _stops(self) -> bool:
        """Return whether what waits is left alone; who waits to read more is told."""
        if self._stopped():
            self._ended = True
            self._room.set()
            return True
        return self.failure is not None

    def _read_at_once(self) -> RunRow | None:
        try:
            return self._rows.next_at_once()
        except Exception as error:
            # What is on its way comes to its end, and nothing new is begun.
            self.failure = error
            return None

    async def _read(self) -> RunRow | None:
        try:
            return await self._rows.next()
        except Exception as error:
            self.failure = error
            return None

    def _starts(self, row: RunRow) -> bool:
        """Return whether a row can be begun now; else it waits in the line of its key."""
        if row.key is None:
            return True
        if row.key not in self._lines:
            self._lines[row.key] = None
            return True
        line = self._lines[row.key]
        if line is None:
            line = self._lines[row.key] = deque()
        line.append(row)
        self._waiting += 1
        return False
