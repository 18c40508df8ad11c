"""The pace of one tenant, shared by the workers of a cluster. This module does no I/O."""

from __future__ import annotations

import math
from collections.abc import Iterator

import attrs

from ..bulk.pacing import Pacing, Turn
from ..bulk.rate_headers import Hint

# Seconds. Until the limit is known, one worker sends alone: many workers would overrun it by all
# their calls in flight, and the learned rate would be far off. A tenant without a limit must not
# make the others wait for longer than this.
_ALONE = 2.0
# Seconds without a grant after which another worker takes its place.
_IDLE = 0.5
# Seconds. Turns that become due together go together: that takes fewer messages.
_TICK = 0.01


@attrs.frozen
class Grant:
    """Turns granted to a worker.

    Attributes:
        worker: the worker's address.
        count: the number of turns.
        at: when they were granted, in the controller's time.
        stretch: the number of refusals until then. Once there are more, the turns are void.
        free: whether nothing limits the run, so that turns may be asked for ahead of time.
    """

    worker: str
    count: int
    at: float
    stretch: int
    free: bool


@attrs.define(eq=False)
class _Worker:
    """A worker that takes part.

    Attributes:
        asked: turns asked for so far.
        granted: turns granted so far.
        in_flight: its calls in flight.
        last: when it was last granted a turn.
    """

    asked: int = 0
    granted: int = 0
    in_flight: int = 0
    last: float = -math.inf

    @property
    def wanted(self) -> int:
        """The turns that it waits for."""
        return self.asked - self.granted


@attrs.frozen
class Report:
    """What a worker reports. Counts of turns are totals, so that messages may cross.

    Attributes:
        asked: turns asked for so far.
        in_flight: calls in flight.
        passed: attempts that passed since the last report, by stretch.
        returned: turns not used since the last report, by stretch.
    """

    asked: int
    in_flight: int
    passed: tuple[tuple[int, int], ...] = ()
    returned: tuple[tuple[int, int], ...] = ()


class SharedPace:
    """The pace of a tenant: which worker may make an attempt, and when.

    Args:
        rate: the maximum number of attempts per second. None means as many as the server takes.
        max_retry_after: seconds. If a failing server asks for a longer wait, all workers wait.
        now: the time in seconds, as for all methods.
    """

    def __init__(self, rate: float | None, *, max_retry_after: float, now: float) -> None:
        self._pacing = Pacing(rate, max_retry_after=max_retry_after, now=now)
        self._workers: dict[str, _Worker] = {}
        self._prober: str | None = None
        self._probing_until: float | None = None

    @property
    def stretch(self) -> int:
        """The number of refusals so far."""
        return self._pacing.stretch

    @property
    def pacing(self) -> Pacing:
        """The pace, as one run would keep it."""
        return self._pacing

    def report(self, worker: str, report: Report, now: float) -> None:
        """Take a worker's report."""
        one = self._workers.setdefault(worker, _Worker())
        one.asked = max(one.asked, report.asked)
        self._pacing.at_work(report.in_flight - one.in_flight)
        one.in_flight = report.in_flight
        for stretch, count in report.passed:
            self._pacing.passed(stretch, now, count=count)
        for stretch, count in report.returned:
            self._pacing.returned(stretch, count)

    def exhausted(self, stretch: int, left: Hint, now: float) -> None:
        """Record a response that passed, and said that the window is used up."""
        self._pacing.passed(stretch, now, left=left)

    def refused(self, turn: Turn, asked: float | None, now: float) -> None:
        """Record a response that the rate limit was exceeded.

        Args:
            turn: the turn of the attempt.
            asked: seconds that the server asked to wait, if it did.
            now: the time.
        """
        self._pacing.refused(turn, now, asked, {})

    def failed(self, turn: Turn, asked: float | None, now: float) -> None:
        """Record an attempt that failed because the server seems to be down."""
        self._pacing.failed(turn, now, asked)

    def leave(self, worker: str) -> None:
        """Forget a worker that is gone. The turns it did not use pass with time."""
        if one := self._workers.pop(worker, None):
            self._pacing.at_work(-one.in_flight)
        if self._prober == worker:
            self._prober = None

    def grants(self, now: float) -> Iterator[Grant]:
        """Yield the turns that may be used now, to the workers in turn."""
        while (found := self._next(now)) is not None:
            name, worker = found
            if (grant := self._granted(name, worker, now)) is None:
                return
            yield grant

    def wait(self, now: float) -> float | None:
        """Return the seconds until a turn may be granted; None if no worker waits for one."""
        if not any(worker.wanted > 0 for worker in self._workers.values()):
            return None
        if self._next(now) is None:
            # They wait for the worker that sends alone.
            last = self._workers[self._prober].last + _IDLE if self._prober else now
            return max(min(last, self._probing_until or now) - now, _TICK)
        return max(self._pacing.wait(now), _TICK)

    def _next(self, now: float) -> tuple[str, _Worker] | None:
        """Return the worker that waits and has waited for longest."""
        waiting = ((n, w) for n, w in self._workers.items() if w.wanted > 0)
        found = min(waiting, key=lambda one: one[1].last, default=None)
        if found is None or not self._pacing.free:
            return found
        return self._probing(found, now)

    def _probing(self, found: tuple[str, _Worker], now: float) -> tuple[str, _Worker] | None:
        """Return the worker that may send while the limit is not known."""
        if self._probing_until is None:
            self._probing_until = now + _ALONE
        if now >= self._probing_until:
            return found
        prober = self._workers.get(self._prober or "")
        if prober is None or now - prober.last > _IDLE:
            self._prober, prober = found
        return (self._prober or "", prober) if prober.wanted > 0 else None

    def _granted(self, name: str, worker: _Worker, now: float) -> Grant | None:
        count, pacing = 0, self._pacing
        while count < worker.wanted and (pacing.free or pacing.wait(now) <= 0):
            pacing.go(now)
            count += 1
        if not count:
            return None
        worker.granted += count
        worker.last = now
        return Grant(name, count, now, pacing.stretch, pacing.free)
