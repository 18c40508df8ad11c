"""How many calls may be on the wire at once, and who comes next."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque


class Slots:
    """A number of slots, on one event loop; whoever waits gets one in the order of coming.

    A semaphore that can be taken without awaiting: nearly every call finds a slot free.

    Args:
        number: how many there are.
    """

    def __init__(self, number: int) -> None:
        self._free = number
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take(self) -> bool:
        """Take a slot, if one is free and nobody waits for it."""
        if self._free > 0:
            self._free -= 1
            return True
        return False

    async def wait(self) -> None:
        """Take a slot as soon as it is there."""
        if self.take():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                # It may have been passed over already.
                with contextlib.suppress(ValueError):
                    self._waiting.remove(turn)
            else:
                # It was given in the same moment, and goes to the next.
                self.give_back()
            raise

    def give_back(self) -> None:
        """Let go of a slot: it goes to who has waited for longest, or is free."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
