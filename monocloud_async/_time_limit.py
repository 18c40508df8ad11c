"""Limits of time for what tasks do, at the price of one timer for each event loop.

Not ``asyncio.timeout``: it sets and cancels a timer for each use, which takes 3.4 µs against 0.6
here, 2 % of a call. Python 3.10 has none at all, and async_timeout turns a cancellation that comes
at the same moment into a timeout. Almost no limit ever passes: one timer, set for the earliest of
them, serves all, and where it finds that nothing is late it is set again.
"""

from __future__ import annotations

import asyncio
import math
import sys
from types import TracebackType
from typing import Any


class TimeLimits:
    """The limits of time that run on one event loop.

    Attributes:
        loop: the event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._running: set[TimeLimit] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = math.inf

    def limit(self, seconds: float) -> TimeLimit:
        """Return a limit for ``with``: its block ends with asyncio.TimeoutError if it passes."""
        return TimeLimit(self, self.loop.time() + seconds)

    def add(self, limit: TimeLimit) -> None:
        """Watch over a limit from now on."""
        self._running.add(limit)
        if limit.when < self._rings_at:
            self._set_timer(limit.when)

    def remove(self, limit: TimeLimit) -> None:
        """Leave a limit alone; the timer stays, for the next one will be later."""
        self._running.discard(limit)

    def _set_timer(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_at(when, self._ring)
        self._rings_at = when

    def _ring(self) -> None:
        self._timer, self._rings_at = None, math.inf
        now = self.loop.time()
        for limit in [limit for limit in self._running if limit.when <= now]:
            self._running.discard(limit)
            limit.end()
        if self._running:
            self._set_timer(min(limit.when for limit in self._running))


class TimeLimit:
    """One limit: what is left of its block is cancelled once it passes.

    Args:
        limits: those of this event loop.
        when: the loop's time at which it passes.
    """

    __slots__ = ("_cancelling", "_limits", "_passed", "_task", "when")

    def __init__(self, limits: TimeLimits, when: float) -> None:
        self._limits = limits
        self.when: float = when
        self._passed = False

    def end(self) -> None:
        """Cancel what the block does."""
        self._passed = True
        _cancel(self._task)

    def __enter__(self) -> None:
        task = asyncio.current_task(self._limits.loop)
        if task is None:
            raise RuntimeError("a limit of time needs a task")
        self._task = task
        self._cancelling = _cancelling(task)
        self._limits.add(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._limits.remove(self)
        if not self._passed:
            return
        # A cancellation by somebody else, at the same moment, is theirs: it goes on.
        ours_alone = _uncancel(self._task) <= self._cancelling
        if ours_alone and kind is asyncio.CancelledError:
            raise asyncio.TimeoutError from None


if sys.version_info >= (3, 11):

    def _cancel(task: asyncio.Task[object]) -> None:
        task.cancel()

    def _cancelling(task: asyncio.Task[object]) -> int:
        return task.cancelling()

    def _uncancel(task: asyncio.Task[object]) -> int:
        return task.uncancel()
else:
    # Before Python 3.11 a task does not count who wants it cancelled. But a cancellation that is
    # under way shows, and one that comes after ours takes the message's place. Neither does where
    # the task waits for other tasks, which our calls do not.
    _OURS = object()

    def _cancel(task: Any) -> None:
        waits_for = task._fut_waiter
        if not task._must_cancel and (waits_for is None or not waits_for.cancelled()):
            task.cancel()
            task._cancel_message = _OURS

    def _cancelling(_: Any) -> int:
        return 0

    def _uncancel(task: Any) -> int:
        if task._cancel_message is not _OURS:
            return 1
        task._cancel_message = None
        return 0
