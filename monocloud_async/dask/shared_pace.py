"""The pace of one tenant, shared by the workers of a cluster. This module does no I/O."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from ..bulk.pacing import Pacing, Turn
from ..bulk.rate_headers import Hint

# While the limit is not known, this many turns may be in use. Each attempt that passes adds one, so
# that the number doubles with every round of calls: a run of many workers begins as gently as one
# process does, and few calls are in flight at a refusal.
_FIRST_IN_USE = 32
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
    """

    worker: str
    count: int
    at: float
    stretch: int


@attrs.frozen
class Report:
    """What a worker reports.

    Attributes:
        asked: turns asked for so far; a total, because messages may cross.
        in_flight: calls in flight.
        passed: attempts that passed since the last report, by stretch.
        returned: turns that were not used since the last report, by stretch.
    """

    asked: int
    in_flight: int
    passed: tuple[tuple[int, int], ...] = ()
    returned: tuple[tuple[int, int], ...] = ()


@attrs.define(eq=False)
class _Worker:
    """A worker that takes part.

    Attributes:
        asked: turns asked for so far.
        granted: turns granted so far.
        settled: turns granted so far that are no longer in use.
        in_flight: its calls in flight.
    """

    asked: int = 0
    granted: int = 0
    settled: int = 0
    in_flight: int = 0

    @property
    def wanted(self) -> int:
        """The number of turns that it is waiting for."""
        return self.asked - self.granted


class SharedPace:
    """The pace of a tenant: which worker may make an attempt, and when.

    Args:
        rate: the maximum number of attempts per second. None means as many as the server takes.
        max_retry_after: seconds. If a failing server asks for a longer wait, all workers wait.
        now: the time in seconds, as for all methods.

    Attributes:
        in_use: turns that workers hold and have not reported on.
    """

    def __init__(self, rate: float | None, *, max_retry_after: float, now: float) -> None:
        self._pacing = Pacing(rate, max_retry_after=max_retry_after, now=now)
        self._workers: dict[str, _Worker] = {}
        # The workers that wait for a turn; the one that has waited longest is first.
        self._waiting: dict[str, _Worker] = {}
        self.in_use: int = 0
        # The worker that was granted turns last: in an outage, it has the turn that probes.
        self._last: str | None = None
        self._most_in_use = _FIRST_IN_USE

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
        if one.wanted > 0:
            self._waiting.setdefault(worker, one)
        self._pacing.at_work(report.in_flight - one.in_flight)
        one.in_flight = report.in_flight
        for stretch, count in report.passed:
            self._pacing.passed(stretch, now, count=count)
            self._most_in_use += count
            self._settle(one, count)
        for stretch, count in report.returned:
            self._pacing.returned(stretch, count)
            self._settle(one, count)
        if report.returned:
            self._lose_probe(worker)

    def exhausted(self, worker: str, stretch: int, left: Hint, now: float) -> None:
        """Record a response that passed, and said that the window is used up."""
        self._settle(self._workers[worker], 1)
        self._pacing.passed(stretch, now, left=left)

    def refused(self, worker: str, turn: Turn, asked: float | None, now: float) -> None:
        """Record a response that the rate limit was exceeded.

        Args:
            worker: the worker's address.
            turn: the turn of the attempt.
            asked: seconds that the server asked to wait, if it did.
            now: the time.
        """
        self._settle(self._workers[worker], 1)
        self._pacing.refused(turn, now, asked, {})

    def failed(self, worker: str, turn: Turn, asked: float | None, now: float) -> None:
        """Record an attempt that failed because the server seems to be down."""
        self._settle(self._workers[worker], 1)
        self._pacing.failed(turn, now, asked)

    def leave(self, worker: str) -> None:
        """Forget a worker that has left. The turns that it did not use are lost."""
        self._waiting.pop(worker, None)
        self._lose_probe(worker)
        if one := self._workers.pop(worker, None):
            self._pacing.at_work(-one.in_flight)
            self.in_use -= one.granted - one.settled

    def grants(self, now: float) -> Iterator[Grant]:
        """Yield the turns that may be used now, one worker after another."""
        while self._waiting:
            name, worker = next(iter(self._waiting.items()))
            if (count := self._taken(worker.wanted, now)) == 0:
                return
            worker.granted += count
            self._last = name
            del self._waiting[name]
            if worker.wanted > 0:
                self._waiting[name] = worker
            yield Grant(name, count, now, self._pacing.stretch)

    def wait(self, now: float) -> float | None:
        """Return the seconds until a turn may be granted; None if a message must come first."""
        if not self._waiting or (self._pacing.free and self.in_use >= self._most_in_use):
            return None
        return max(self._pacing.wait(now), _TICK)

    def _lose_probe(self, worker: str) -> None:
        """Let another attempt probe a server that is down, if a worker no longer does."""
        if worker == self._last:
            self._last = None
            self._pacing.probe_lost()

    def _taken(self, wanted: int, now: float) -> int:
        """Take up to ``wanted`` turns from the pace, and return how many it gave."""
        count = 0
        while count < wanted and self._may_go(now):
            self._pacing.go(now)
            self.in_use += 1
            count += 1
        return count

    def _may_go(self, now: float) -> bool:
        if self._pacing.free:
            return self.in_use < self._most_in_use
        return self._pacing.wait(now) <= 0

    def _settle(self, worker: _Worker, count: int) -> None:
        worker.settled += count
        self.in_use -= count
