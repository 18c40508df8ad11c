"""The pace of a run: when the next attempt may be made. Nothing here does I/O or knows a clock."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

import attrs

from .limit import Limit
from .outage import Outage
from .rate_headers import Hint, hint

# A rate is kept to by the call; only what is due within that many seconds may go together, for a
# timer is not more exact.
_TOGETHER = 0.02
_CATCH_UP = 0.1
# Seconds: the pause after a refusal that does not say for how long, and the longest of such.
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
# Shorter ones, even if the server asks for them, end before what is on its way is answered.
_SHORTEST_PAUSE = 0.2
# Other runs may wait for the same moment: the pause is longer by up to that part, and seconds.
_JITTER = 0.1
_MOST_JITTER = 1.0
# Answers without a word of the limit, after which no more are expected to have one.
_ENOUGH = 100
_ROUNDING = 1e-9
# Seconds: a shorter wait may be none on a clock that has run for long.
_TICK = 1e-6


@attrs.define(eq=False)
class Turn:
    """One attempt's leave to be made.

    Attributes:
        at: the time at which it was given.
        stretch: how many refusals there had been.
    """

    at: float
    stretch: int


class Pacing:
    """The pace that all workers of a run keep together.

    Args:
        rate: attempts a second, at most; None for as many as the server takes.
        workers: how many are at work in the beginning.
        max_retry_after: seconds; a longer wait that a failing server asks for, all sit out.
        now: the time in seconds, as for all methods.

    Attributes:
        free: whether an attempt may be made at any time.
        asked_until: the time until which the server asked the whole run to wait.
        rate: attempts a second that the run kept to when it last waited for a turn.
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
        self._vain = 0
        self._hints = True
        self._passed = 0
        self._allowed = 1.0
        self._counted = now

    def at_work(self, more: int) -> None:
        """Take note of so many more workers that make a call, or fewer."""
        self._outage.workers += more

    @property
    def in_flight(self) -> int:
        """The workers that are making a call."""
        return self._outage.workers

    @property
    def is_down(self) -> bool:
        """Whether the server seems to be down, and for longer than a moment."""
        return self._outage.is_long

    def wait(self, now: float) -> float:
        """Return the seconds until the next attempt may be made; 0 or less for none."""
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
        """Take note of an attempt that is made."""
        self._allowed -= 1
        self._limit.sent(now)
        self._outage.sent(now)
        return Turn(now, self._stretch)

    def answered(self, turn: Turn, now: float, headers: Mapping[str, str]) -> None:
        """Take note of an answer that shows a server at work."""
        self._outage.answered()
        if turn.stretch != self._stretch:
            self._limit.passed_late()
            return
        self._limit.passed()
        self._passed += 1
        self._vain = 0
        if self._hints and (left := hint(headers)):
            self._hinted(now, left)
        elif self._passed > _ENOUGH:
            # This server gives none, and looking for them in each answer has its price.
            self._hints = False

    def _hinted(self, now: float, left: Hint) -> None:
        if left.remaining:
            return
        # As good as a refusal. But nothing is left of a window once: a server that says so first
        # thing means something else by it.
        if self._passed == 1:
            self._hints = False
        else:
            self._slow_down(now, left.reset)
            self._is_asked(now, left.reset)

    def refused(
        self, turn: Turn, now: float, retry_after: float | None, headers: Mapping[str, str]
    ) -> None:
        """Take note of an answer that says: too many."""
        self._outage.answered()
        asked = retry_after
        if asked is None and (left := hint(headers)):
            asked = left.reset
        if turn.stretch == self._stretch:
            own = _FIRST_PAUSE * 2 ** min(self._vain, 16) if asked is None or self._vain else 0.0
            self._vain += 1
            self._slow_down(now, max(asked or 0.0, min(own, _LONGEST_PAUSE), _SHORTEST_PAUSE))
        else:
            self._pause_for(now, asked or 0.0)
        self._is_asked(now, asked)

    def failed(self, turn: Turn, now: float, asked: float | None) -> None:
        """Take note of an attempt that failed for want of a server at work."""
        self._outage.failed(turn.at, now, asked or 0.0)
        if asked and asked > self._max_retry_after:
            self._pause_for(now, asked)
            self._is_asked(now, asked)
        elif self._outage.lasts:
            self._is_asked(now, asked)
        self.free &= not self._outage.lasts

    def _is_asked(self, now: float, seconds: float | None) -> None:
        if seconds:
            self.asked_until = max(self.asked_until, now + seconds)

    def _most_together(self, rate: float) -> float:
        """Return how many may go at once after a delay; the server's bucket has room for some."""
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
        """Let nobody go for some seconds, and then one after the other."""
        longer = random.uniform(0.0, min(seconds * _JITTER, _MOST_JITTER))  # noqa: S311
        self._pause = max(self._pause, now + seconds + longer)
        self._allowed, self._counted = 1.0, self._pause
        self.free = False
