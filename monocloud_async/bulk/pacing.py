"""The pace of a run: when the next attempt may be made. Pure logic, without I/O or a clock."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

import attrs

from .limit import Limit
from .outage import Outage
from .rate_headers import Hint, hint

# The rate is kept call by call. Only calls due within _TOGETHER seconds go together, because
# timers are no more precise than that.
_TOGETHER = 0.02
_CATCH_UP = 0.1
# Seconds: the first and the longest pause after a refusal without a Retry-After.
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
# Shorter pauses, even on request, would end before the calls in flight complete.
_SHORTEST_PAUSE = 0.2
# Other runs may wait for the same moment, so extend a pause by up to this fraction, capped at
# _MOST_JITTER seconds.
_JITTER = 0.1
_MOST_JITTER = 1.0
# After this many responses without rate limit headers, stop looking for them.
_ENOUGH = 100
_ROUNDING = 1e-9
# Seconds. A shorter wait may round to zero on a clock with a large value.
_TICK = 1e-6


@attrs.define(eq=False)
class Turn:
    """Permission to make one attempt.

    Attributes:
        at: when it was granted.
        stretch: the number of refusals until then.
    """

    at: float
    stretch: int


class Pacing:
    """The pace shared by all workers of a run.

    Args:
        rate: the maximum number of attempts per second. None means as many as the server takes.
        workers: the number of workers busy at the start.
        max_retry_after: seconds. If a failing server asks for a longer wait, the whole run waits.
        now: the time in seconds, as for all methods.

    Attributes:
        free: whether attempts may be made without waiting.
        asked_until: the time until which the server asked the whole run to wait.
        rate: the maximum number of attempts per second when the run last waited for a turn.
    """

    def __init__(
        self, rate: float | None, *, workers: int = 0, max_retry_after: float, now: float
    ) -> None:
        self.free: bool = rate is None
        self._rate = math.inf if rate is None else rate
        self._max_retry_after = max_retry_after
        self.rate: float = self._rate
        self._limit = Limit()
        self._outage = Outage(workers)
        self._pause = now
        self.asked_until: float = now
        self._stretch = 0
        self._refusals = 0
        self._hints = True
        self._passed = 0
        self._allowed = 1.0
        self._counted = now

    def at_work(self, change: int) -> None:
        """Change the number of workers that are making a call."""
        self._outage.workers += change

    @property
    def in_flight(self) -> int:
        """The number of workers that are making a call."""
        return self._outage.workers

    @property
    def stretch(self) -> int:
        """The number of refusals so far; turns of an earlier stretch are void during a pause."""
        return self._stretch

    @property
    def is_down(self) -> bool:
        """Whether the server seems to be down for longer than a moment."""
        return self._outage.is_long

    def wait(self, now: float) -> float:
        """Return the seconds until the next attempt may be made; 0 or less means now."""
        wait = max(self._pause - now, self._outage.wait(now))
        if wait > 0:
            return max(wait, _TICK)
        rate = self.rate = self._current_rate()
        if rate == math.inf:
            self.free = not self._outage.lasts
            return 0.0
        due = self._allowed + max(0.0, now - self._counted) * rate
        self._allowed = min(due, self._most_together(rate))
        self._counted = now
        return 0.0 if self._allowed >= 1 - _ROUNDING else max((1 - self._allowed) / rate, _TICK)

    def go(self, now: float) -> Turn:
        """Record an attempt that is being made."""
        self._allowed -= 1
        self._limit.sent(now)
        self._outage.sent(now)
        return Turn(now, self._stretch)

    def answered(self, turn: Turn, now: float, headers: Mapping[str, str]) -> None:
        """Record a response that shows the server is up."""
        left = hint(headers) if self._hints else None
        self.passed(turn.stretch, now, left=left)
        if left is None and self._passed > _ENOUGH:
            # This server sends no hints, and looking for them in every response costs time.
            self._hints = False

    def passed(self, stretch: int, now: float, *, count: int = 1, left: Hint | None = None) -> None:
        """Record attempts that passed.

        Args:
            stretch: the stretch of their turns.
            now: the time.
            count: the number of attempts.
            left: what the last of them says about the server's window.
        """
        self._outage.answered()
        if stretch != self._stretch:
            self._limit.passed_late(count)
            return
        self._limit.passed(now, count)
        self._passed += count
        self._refusals = 0
        if left is not None and self._hints:
            self._hinted(now, left)

    def returned(self, stretch: int, count: int) -> None:
        """Take back turns that were not used."""
        if stretch == self._stretch:
            self._limit.unsent(count)
            self._allowed += count

    def probe_lost(self) -> None:
        """Record that the last attempt granted in an outage will not be reported."""
        self._outage.unsent()

    def _hinted(self, now: float, left: Hint) -> None:
        if left.remaining:
            return
        # As good as a refusal. But a window runs out only once: a server that reports nothing left
        # in its first response means something else.
        if self._passed == 1:
            self._hints = False
        else:
            self._slow_down(now, left.reset)
            self._note_wait(now, left.reset)

    def refused(
        self, turn: Turn, now: float, retry_after: float | None, headers: Mapping[str, str]
    ) -> None:
        """Record a response that the rate limit was exceeded."""
        self._outage.answered()
        asked = retry_after
        if asked is None and (left := hint(headers)):
            asked = left.reset
        if turn.stretch == self._stretch:
            backoff = (
                _FIRST_PAUSE * 2 ** min(self._refusals, 16)
                if asked is None or self._refusals
                else 0.0
            )
            self._refusals += 1
            self._slow_down(now, max(asked or 0.0, min(backoff, _LONGEST_PAUSE), _SHORTEST_PAUSE))
        else:
            self._pause_for(now, asked or 0.0)
        self._note_wait(now, asked)

    def failed(self, turn: Turn, now: float, asked: float | None) -> None:
        """Record an attempt that failed because the server seems to be down."""
        self._outage.failed(turn.at, now, asked or 0.0)
        if asked and asked > self._max_retry_after:
            self._pause_for(now, asked)
            self._note_wait(now, asked)
        elif self._outage.lasts:
            self._note_wait(now, asked)
        self.free &= not self._outage.lasts

    def _note_wait(self, now: float, seconds: float | None) -> None:
        if seconds:
            self.asked_until = max(self.asked_until, now + seconds)

    def _most_together(self, rate: float) -> float:
        """Return the size of a burst after a delay; the server's bucket has room for some calls."""
        room = min(self._limit.bucket / 2, rate * _CATCH_UP) if rate < self._rate else 0.0
        return max(1.0, rate * _TOGETHER, room)

    def _current_rate(self) -> float:
        return min(self._rate, self._limit.rate)

    def _slow_down(self, now: float, seconds: float) -> None:
        self._limit.refused(now)
        self._stretch += 1
        self._passed = 0
        self._pause_for(now, seconds)

    def _pause_for(self, now: float, seconds: float) -> None:
        """Stop all attempts for some seconds, then let them pass one by one."""
        jitter = random.uniform(0.0, min(seconds * _JITTER, _MOST_JITTER))  # noqa: S311
        self._pause = max(self._pause, now + seconds + jitter)
        self._allowed, self._counted = 1.0, self._pause
        self.free = False
