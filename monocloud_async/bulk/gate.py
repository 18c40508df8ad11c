"""The gate of a run: attempts pass it one at a time, each when the pace allows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from .. import _log_line
from ..errors import APIError, RateLimitedError, TransportError
from ..retry import asked_wait
from .pacing import Pacing, Turn

__all__ = ["Gate", "Turn"]
_log = logging.getLogger("monocloud")
# Seconds. Shorter waits are not worth a warning; waits that end this close together count as one.
_LONG = 5.0
_ROUNDING = 1e-6


class Gate:
    """Lets attempts pass at the pace of the run.

    Args:
        pacing: decides when the next attempt may pass.
        clock: returns the time in seconds since any fixed point.
        sleep: waits for a number of seconds; raises if waiting has become pointless.
        advice: what to add to the outage warning if no server has responded to this run yet.
    """

    def __init__(
        self,
        pacing: Pacing,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        *,
        advice: str,
    ) -> None:
        self._pacing = pacing
        self._clock = clock
        self._sleep = sleep
        self._queue = asyncio.Lock()
        self._warned_until = pacing.asked_until
        self._warned_of_outage = False
        self._advice = advice
        self._has_response = False

    @property
    def pace(self) -> Pacing:
        """The pace of the run."""
        return self._pacing

    @property
    def free(self) -> bool:
        """Whether attempts may pass without waiting."""
        return self._pacing.free

    def begin(self) -> None:
        """Record that a call has started, so attempts will follow."""
        self._pacing.at_work(1)

    def end(self) -> None:
        """Record that a call has ended."""
        self._pacing.at_work(-1)

    async def turn(self) -> Turn:
        """Wait until an attempt may pass, in order of arrival."""
        # The worker that holds the lock goes next; the others wait for the lock.
        async with self._queue:
            while (wait := self._pacing.wait(self._clock())) > 0:
                await self._sleep(wait)
            return self.go()

    def go(self) -> Turn:
        """Let an attempt pass immediately; only valid while the gate is free."""
        return self._pacing.go(self._clock())

    def answered(self, turn: Turn, headers: Mapping[str, str]) -> None:
        """Record a response that shows the server is up, and its headers."""
        self._has_response = True
        self._pacing.answered(turn, self._clock(), headers)
        if self._pacing.asked_until > self._warned_until:
            self._warn_of_wait("its rate limit is exhausted")

    def refused(self, turn: Turn, error: RateLimitedError) -> None:
        """Record a response that the rate limit was exceeded."""
        self._has_response = True
        self._pacing.refused(turn, self._clock(), error.retry_after, error.headers)
        self._warn_of_wait(f"status {error.status}")

    def failed(self, turn: Turn, error: APIError | TransportError) -> None:
        """Record an attempt that failed because the server seems to be down."""
        self._has_response |= isinstance(error, APIError)
        self._pacing.failed(turn, self._clock(), asked_wait(error))
        self._warned_of_outage &= self._pacing.is_down
        if isinstance(error, APIError) and self._warn_of_wait(f"status {error.status}"):
            return
        if self._pacing.is_down and not self._warned_of_outage:
            # Without this warning, a caller would wait for outcomes and never learn why none
            # arrive.
            self._warned_of_outage = True
            why = _reason(error) if self._has_response else f"{_reason(error)}; {self._advice}"
            message = "the server seems to be down; the run retries periodically: %s"
            _log_line.write(_log, logging.WARNING, message, why)

    def _warn_of_wait(self, why: str) -> bool:
        """Warn if the server asks for a new long wait, and return whether it does."""
        until = self._pacing.asked_until
        seconds = until - self._clock()
        if seconds < _LONG - _ROUNDING or until < self._warned_until + _LONG:
            return False
        self._warned_until = until
        message = (
            "the server asks to wait (%s): the run pauses for %s s, then resumes automatically"
        )
        _log_line.write(_log, logging.WARNING, message, why, f"{seconds:,.0f}")
        return True


def _reason(error: APIError | TransportError) -> str:
    """Return why an attempt failed, without server text that might contain personal data."""
    if isinstance(error, APIError):
        return f"the server responds with status {error.status}"
    return str(error.args[0])
