"""The order of a run: rows of one user one after the other, those of others beside them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from .rows import Row, Rows

# How many rows wait, at most, for an earlier one of their user, while rows of others are begun.
LOOK_AHEAD = 1000


class Order:
    """Hands out rows to workers so that no two of one user are in work at once.

    Args:
        rows: the rows.
        stopped: whether none is to be begun any more.
    """

    def __init__(self, rows: Rows, stopped: Callable[[], bool]) -> None:
        self._rows = rows
        self._stopped = stopped
        self._reading = asyncio.Lock()
        self._room = asyncio.Event()
        # For each user in work, the rows that wait for their turn; None instead of an empty line.
        self._lines: dict[str, deque[Row] | None] = {}
        self._waiting = 0
        self._ended = False
        self.failure: Exception | None = None

    async def first(self) -> Row | None:
        """Return a row of a user that is not in work, or None where there are no more."""
        if self._rows.come_at_once:
            return await self._first()
        async with self._reading:
            return await self._first()

    async def _first(self) -> Row | None:
        while not self._ended:
            row = self._read_at_once() if self._rows.come_at_once else await self._read()
            self._ended |= row is None
            if row is None or row.error or self._starts(row):
                return row
            while self._waiting >= LOOK_AHEAD and not self._ended:
                self._room.clear()
                await self._room.wait()
        return None

    def following(self, row: Row) -> Row | None:
        """Return the next row of the user whose row is done; None where none waits."""
        if row.error:
            return None
        line = None if self._stops() else self._lines[row.user_id]
        if not line:
            del self._lines[row.user_id]
            return None
        self._waiting -= 1
        self._room.set()
        return line.popleft()

    def let_go(self) -> None:
        """Refer to the caller's rows no more; for whoever asks, there are none."""
        self._rows.let_go()

    def _stops(self) -> bool:
        """Return whether what waits is left alone; who waits to read more is told."""
        if self._stopped():
            self._ended = True
            self._room.set()
            return True
        return self.failure is not None

    def _read_at_once(self) -> Row | None:
        try:
            return self._rows.next_at_once()
        except Exception as error:
            # What is on its way comes to its end, and nothing new is begun.
            self.failure = error
            return None

    async def _read(self) -> Row | None:
        try:
            return await self._rows.next()
        except Exception as error:
            self.failure = error
            return None

    def _starts(self, row: Row) -> bool:
        """Return whether a row can be begun now; else it waits in its user's line."""
        if row.user_id not in self._lines:
            self._lines[row.user_id] = None
            return True
        line = self._lines[row.user_id]
        if line is None:
            line = self._lines[row.user_id] = deque()
        line.append(row)
        self._waiting += 1
        return False
