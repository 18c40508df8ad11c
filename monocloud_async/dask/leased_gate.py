"""The gate of a worker process: its attempts pass with turns leased from the cluster's pace."""

from __future__ import annotations

import asyncio
import math
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from ..bulk.pacing import Turn
from ..bulk.rate_headers import hint
from ..errors import APIError, ConfigurationError, RateLimitedError, TransportError
from ..retry import asked_wait

# Seconds between reports. The pace judges a refusal by what passed before it.
_REPORT = 0.05
# Seconds after which a turn that was not used goes back.
_EXPIRES = 1.0
# Seconds. Turns go back if their message took this much longer than the quickest one, and longer
# than usual: after a stall, they would all be used at once, and a rate limiter refuses bursts.
_LATE = 0.02
# The usual delay is the average of about this many messages, each counted as at most _LONG seconds.
_MESSAGES = 20
_LONG = 0.05
# Seconds by which each message may take longer than the quickest one: clocks drift.
_DRIFT = 1e-5
# A worker asks for the turns of the next _AHEAD seconds ahead of time, as many as it used in the
# last ones, so that a call need not wait for a message to the controller and back.
_AHEAD = 0.05
# After this many responses without rate limit headers, stop looking for them.
_ENOUGH = 100

Send = Callable[[Mapping[str, Any]], None]


@attrs.define(eq=False)
class LeasedPace:
    """The pace as this worker knows it, for telemetry.

    Attributes:
        rate: attempts per second that the whole cluster keeps to; infinite if nothing limits it.
        in_flight: calls that this worker is making.
    """

    rate: float = float("inf")
    in_flight: int = 0


class LeasedGate:
    """Lets the attempts of a worker process pass, each with a turn leased from the controller.

    Args:
        send: sends a message to the controller.
        clock: returns the time in seconds since any fixed point.
    """

    def __init__(self, send: Send, clock: Callable[[], float]) -> None:
        self._send = send
        self._clock = clock
        self.pace: LeasedPace = LeasedPace()
        self._turns: deque[tuple[Turn, float]] = deque()
        self._waiters: deque[asyncio.Future[Turn]] = deque()
        self._stretch = 0
        # Turns asked for so far, and how many of them have not arrived.
        self._asked = 0
        self._due = 0
        # Turns used in the current period of _AHEAD seconds, and in the one before it.
        self._period = clock()
        self._used = 0
        self._used_before = 0
        self._passed: Counter[int] = Counter()
        self._returned: Counter[int] = Counter()
        self._timer: asyncio.TimerHandle | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self._asking = False
        self._last = -math.inf
        self._quickest = math.inf
        self._usual = 0.0
        self._unhinted = 0
        self._failure: ConfigurationError | None = None

    @property
    def free(self) -> bool:
        """Whether a leased turn is left."""
        return bool(self._turns) and not self._waiters and self._failure is None

    def begin(self) -> None:
        """Record that a call has started."""
        self.pace.in_flight += 1

    def end(self) -> None:
        """Record that a call has ended."""
        self.pace.in_flight -= 1
        self._report_soon()

    def go(self) -> Turn:
        """Use a leased turn; only valid while one is left."""
        turn, _ = self._turns.popleft()
        self._use()
        return turn

    async def turn(self) -> Turn:
        """Wait until an attempt may pass, in order of arrival."""
        if self._failure is not None:
            raise self._failure
        if self._turns and not self._waiters:
            return self.go()
        waiter: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._ask()
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._returned[waiter.result().stretch] += 1
                self._report_soon()
            raise

    def answered(self, turn: Turn, headers: Mapping[str, str]) -> None:
        """Record a response that shows the server is up, and its headers."""
        if self._unhinted < _ENOUGH:
            left = hint(headers)
            if left is not None and not left.remaining:
                self._tell(exhausted=[turn.stretch, left.remaining, left.reset])
                return
            self._unhinted = 0 if left else self._unhinted + 1
        self._passed[turn.stretch] += 1
        self._report_soon()

    def refused(self, turn: Turn, error: RateLimitedError) -> None:
        """Record a response that the rate limit was exceeded."""
        asked = error.retry_after
        if asked is None and (left := hint(error.headers)):
            asked = left.reset
        self._tell(refused=[turn.at, turn.stretch, asked])

    def failed(self, turn: Turn, error: APIError | TransportError) -> None:
        """Record an attempt that failed because the server seems to be down."""
        self._tell(failed=[turn.at, turn.stretch, asked_wait(error)])

    def receive(self, message: Mapping[str, Any]) -> None:
        """Take a message from the controller: turns, or news of a refusal."""
        if "count" in message:
            self._granted(**message)
        else:
            self._heard(**message)

    def _granted(self, count: int, at: float, stretch: int, rate: float) -> None:
        self.pace.rate = rate
        self._heard(stretch)
        self._due = max(0, self._due - count)
        now = self._clock()
        # A refusal may have come later than the turns.
        if self._is_late(now - at) or stretch < self._stretch:
            self._returned[stretch] += count
            self._report_soon()
        else:
            self._turns.extend((Turn(at, stretch), now) for _ in range(count))
        self._hand_out()
        self._ask()
        if self._turns and self._expiry is None:
            self._expiry = asyncio.get_running_loop().call_later(_EXPIRES, self._expire)

    def _is_late(self, took: float) -> bool:
        """Return whether a message took much longer than usual, whatever the clocks are."""
        self._quickest = min(self._quickest + _DRIFT, took)
        delay, usual = took - self._quickest, self._usual
        self._usual += (min(delay, _LONG) - usual) / _MESSAGES
        return self.pace.rate < math.inf and delay > max(_LATE, 2 * usual)

    def _heard(self, stretch: int) -> None:
        """Drop the turns that a refusal has made void."""
        if stretch > self._stretch:
            self._stretch = stretch
            self._returned.update(turn.stretch for turn, _ in self._turns)
            self._turns.clear()
            self._ask()

    def fail(self, error: ConfigurationError) -> None:
        """Let no attempt pass any more: the connection to the controller is lost."""
        self._failure = error
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(error)
        self._waiters.clear()
        for timer in (self._timer, self._expiry):
            if timer is not None:
                timer.cancel()

    def _hand_out(self) -> None:
        while self._turns and self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(self._turns.popleft()[0])
                self._use()

    def _use(self) -> None:
        """Count a turn that is used, and ask for more if few are left."""
        self._look_at_period()
        self._used += 1
        if 2 * (len(self._turns) + self._due) <= self._used_before:
            self._ask()

    def _look_at_period(self) -> None:
        passed = self._clock() - self._period
        if passed >= _AHEAD:
            self._used_before = self._used if passed < 2 * _AHEAD else 0
            self._used = 0
            self._period += passed

    def _expire(self) -> None:
        """Return the turns that were not used in time."""
        self._expiry = None
        now = self._clock()
        while self._turns and now - self._turns[0][1] >= _EXPIRES:
            turn, _ = self._turns.popleft()
            self._returned[turn.stretch] += 1
            self._report_soon()
        if self._turns:
            left = self._turns[0][1] + _EXPIRES - now
            self._expiry = asyncio.get_running_loop().call_later(left, self._expire)

    def _ask(self) -> None:
        """Ask for turns at the end of this iteration of the event loop, all in one message."""
        if not self._asking:
            self._asking = True
            asyncio.get_running_loop().call_soon(self._ask_now)

    def _ask_now(self) -> None:
        self._asking = False
        waiting = sum(not waiter.done() for waiter in self._waiters)
        self._look_at_period()
        ahead = self._used_before if self.pace.in_flight else 0
        wanted = waiting + ahead - len(self._turns)
        if wanted > self._due:
            self._asked += wanted - self._due
            self._due = wanted
            self._tell()

    def _report_soon(self) -> None:
        if self._timer is None and self._failure is None:
            left = max(0.0, self._last + _REPORT - self._clock())
            self._timer = asyncio.get_running_loop().call_later(left, self._tell)

    def _tell(self, **news: object) -> None:
        """Send what is new, and all that was not reported yet."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._failure is not None:
            return
        message: dict[str, object] = {
            "asked": self._asked,
            "in_flight": self.pace.in_flight,
            "passed": list(self._passed.items()),
            "returned": list(self._returned.items()),
            **news,
        }
        self._passed.clear()
        self._returned.clear()
        self._last = self._clock()
        self._send(message)
