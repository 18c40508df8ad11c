"""The gate of a run: every attempt passes it, one after the other, when its turn has come."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from ..errors import APIError, RateLimitedError, TransportError
from ..retry import asked_wait
from .pacing import Pacing, Turn

__all__ = ["Gate", "Turn"]
_log = logging.getLogger("monocloud")
# Seconds: a shorter wait is over before anybody wonders. Waits that end as close together are one.
_LONG = 5.0
_ROUNDING = 1e-6


class Gate:
    """Lets attempts pass at the pace of the run.

    Args:
        pacing: decides.
        clock: tells the time in seconds, from any start.
        sleep: waits some seconds; raises where that became pointless.
        unheard: what to say of an outage where no server ever answered this run.
    """

    def __init__(
        self,
        pacing: Pacing,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        *,
        unheard: str,
    ) -> None:
        self._pacing = pacing
        self._clock = clock
        self._sleep = sleep
        self._queue = asyncio.Lock()
        self._told_until = pacing.asked_until
        self._outage_told = False
        self._unheard = unheard
        self._heard = False

    @property
    def free(self) -> bool:
        """Whether an attempt may be made at any time."""
        return self._pacing.free

    def begin(self) -> None:
        """Take note of a call: attempts of it will come."""
        self._pacing.at_work(1)

    def end(self) -> None:
        """Take note of the end of a call."""
        self._pacing.at_work(-1)

    async def turn(self) -> Turn:
        """Wait until an attempt may be made; those who came first go first."""
        # The worker with the lock goes next, and alone waits for a time.
        async with self._queue:
            while (wait := self._pacing.wait(self._clock())) > 0:
                await self._sleep(wait)
            return self.go()

    def go(self) -> Turn:
        """Let an attempt pass, where they are free to."""
        return self._pacing.go(self._clock())

    def answered(self, turn: Turn, headers: Mapping[str, str]) -> None:
        """Note an answer, which shows a server at work, by its headers."""
        self._heard = True
        self._pacing.answered(turn, self._clock(), headers)
        if self._pacing.asked_until > self._told_until:
            self._tell_of_wait("its rate limit is used up")

    def refused(self, turn: Turn, error: RateLimitedError) -> None:
        """Take note of a server that says: too many."""
        self._heard = True
        self._pacing.refused(turn, self._clock(), error.retry_after, error.headers)
        self._tell_of_wait(f"status {error.status}")

    def failed(self, turn: Turn, error: APIError | TransportError) -> None:
        """Take note of an attempt that failed for want of a server at work."""
        self._heard |= isinstance(error, APIError)
        self._pacing.failed(turn, self._clock(), asked_wait(error))
        self._outage_told &= self._pacing.is_down
        if isinstance(error, APIError) and self._tell_of_wait(f"status {error.status}"):
            return
        if self._pacing.is_down and not self._outage_told:
            # Else a caller who waits for outcomes would see none, and never learn why.
            self._outage_told = True
            why = _reason(error) if self._heard else f"{_reason(error)}; {self._unheard}"
            _log.warning("the run waits, and tries again from time to time: %s", why)

    def _tell_of_wait(self, why: str) -> bool:
        """Warn of a long wait that the server asks for, and return whether there is a new one."""
        until = self._pacing.asked_until
        seconds = until - self._clock()
        if seconds < _LONG - _ROUNDING or until < self._told_until + _LONG:
            return False
        self._told_until = until
        asks = "the run waits %s s, as the server asks (%s), and then goes on by itself"
        _log.warning(asks, f"{seconds:,.0f}", why)
        return True


def _reason(error: APIError | TransportError) -> str:
    """Return why an attempt failed, without what a server may say of a person."""
    if isinstance(error, APIError):
        return f"the server answers {error.status}"
    return str(error.args[0])
