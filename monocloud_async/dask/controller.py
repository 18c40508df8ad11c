"""The controller of a tenant in a run: it grants turns to the workers as the pace allows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..bulk.pacing import Turn
from ..bulk.rate_headers import Hint
from .shared_pace import Report, SharedPace

Push = Callable[[str, Mapping[str, Any]], None]


class TenantController:
    """Grants turns to workers as the pace of a tenant allows.

    Args:
        pace: the tenant's pace.
        push: sends a message to a worker.
        clock: returns the time in seconds since any fixed point.
    """

    def __init__(self, pace: SharedPace, push: Push, clock: Callable[[], float]) -> None:
        self.pace: SharedPace = pace
        self._push = push
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None
        self._workers: dict[str, None] = {}

    def receive(
        self,
        worker: str,
        *,
        asked: int,
        in_flight: int,
        passed: Sequence[tuple[int, int]] = (),
        returned: Sequence[tuple[int, int]] = (),
        refused: tuple[float, int, float | None] | None = None,
        failed: tuple[float, int, float | None] | None = None,
        exhausted: tuple[int, float, float] | None = None,
    ) -> None:
        """Take a message from a worker, and grant what may be granted."""
        now, pace, before = self._clock(), self.pace, self.pace.stretch
        self._workers[worker] = None
        pace.report(worker, Report(asked, in_flight, tuple(passed), tuple(returned)), now)
        if refused is not None:
            at, stretch, wait = refused
            pace.refused(worker, Turn(at, stretch), wait, now)
        if failed is not None:
            at, stretch, wait = failed
            pace.failed(worker, Turn(at, stretch), wait, now)
        if exhausted is not None:
            stretch, remaining, reset = exhausted
            pace.exhausted(worker, stretch, Hint(remaining, reset), now)
        if pace.stretch > before:
            self._tell_all()
        self._grant()

    def leave(self, worker: str) -> None:
        """Forget a worker that has left."""
        self._workers.pop(worker, None)
        self.pace.leave(worker)
        self._grant()

    def close(self) -> None:
        """Grant nothing more."""
        if self._timer is not None:
            self._timer.cancel()
        self._workers.clear()

    def _tell_all(self) -> None:
        """Tell all workers that the turns they hold are void."""
        for worker in self._workers:
            self._push(worker, {"stretch": self.pace.stretch})

    def _grant(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._clock()
        for grant in self.pace.grants(now):
            self._push(
                grant.worker,
                {
                    "count": grant.count,
                    "at": grant.at,
                    "stretch": grant.stretch,
                    "rate": self.pace.pacing.rate,
                },
            )
        if (wait := self.pace.wait(now)) is not None:
            self._timer = asyncio.get_running_loop().call_later(wait, self._grant)

    def state(self) -> Mapping[str, Any]:
        """Return what the driver shows of the pace."""
        pacing, now = self.pace.pacing, self._clock()
        return {
            "rate": pacing.rate,
            "in_flight": pacing.in_flight,
            "waits": max(0.0, pacing.asked_until - now),
            "is_down": pacing.is_down,
        }
