"""Workers that pace themselves before a limiter, in simulated time: no sockets, no waiting."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable, Mapping

import attrs

from monocloud_async.bulk.pacing import Pacing, Turn

Headers = Mapping[str, str]
Limiter = Callable[[float], tuple[float | None, Headers] | None]


def bucket(rate: float | Callable[[float], float], burst: float, wait: float | None = 1) -> Limiter:
    """A token bucket: returns None for a call that passes, or else the wait it asks for."""
    tokens, last = burst, 0.0

    def hit(now: float) -> tuple[float | None, Headers] | None:
        nonlocal tokens, last
        speed = rate(now) if callable(rate) else rate
        tokens, last = min(burst, tokens + (now - last) * speed), now
        if tokens < 1:
            return wait, {}
        tokens -= 1
        return None

    return hit


def window(calls: int, seconds: float) -> Limiter:
    """Allow a number of calls in each window of time; a refusal says when the next one starts."""
    current, used = -1, 0

    def hit(now: float) -> tuple[float | None, Headers] | None:
        nonlocal current, used
        number = int(now // seconds)
        if number != current:
            current, used = number, 0
        if used >= calls:
            return float(math.ceil((number + 1) * seconds - now)), {}
        used += 1
        return None

    return hit


@attrs.define
class Ran:
    """The result of a run: seconds, calls that passed, calls refused, and the time of each call."""

    seconds: float = 0.0
    passed: int = 0
    refused: int = 0
    times: list[float] = attrs.field(factory=list, repr=False)

    @property
    def share_refused(self) -> float:
        return self.refused / (self.passed + self.refused)

    @property
    def rate(self) -> float:
        return self.passed / self.seconds


def ran(
    limiter: Limiter,
    rows: int,
    *,
    rate: float | None = None,
    latency: tuple[float, float] = (0.004, 0.012),
    workers: int = 32,
    seed: int = 1,
) -> Ran:
    """Run rows through workers; each latency in seconds is random between the two given."""
    chance = random.Random(seed)
    pacing = Pacing(rate, workers=workers, max_retry_after=60, now=0.0)
    result, idle, now, number = Ran(), workers, 0.0, 0
    events: list[tuple[float, int, Turn | None, tuple[float | None, Headers] | None, bool]] = []

    def later(seconds: float, turn: Turn | None, refusal: object, answered: bool) -> None:
        nonlocal number
        number += 1
        heapq.heappush(events, (now + seconds, number, turn, refusal, answered))  # type: ignore[arg-type]

    later(0.0, None, None, False)
    timer: float | None = 0.0
    while result.passed < rows:
        now, _, turn, refusal, answered = heapq.heappop(events)
        if turn is None:
            timer = None
        elif not answered:
            later(chance.uniform(*latency) / 2, turn, limiter(now), True)
            continue
        else:
            idle += 1
            if refusal is None:
                result.passed += 1
                pacing.answered(turn, now, {})
            else:
                result.refused += 1
                pacing.refused(turn, now, *refusal)
        while idle and timer is None:
            if not pacing.free and (wait := pacing.wait(now)) > 0:
                # An event loop's clock ticks in milliseconds.
                timer = math.ceil(wait * 1000) / 1000
                later(timer, None, None, False)
                break
            idle -= 1
            result.times.append(now)
            later(chance.uniform(*latency) / 2, pacing.go(now), None, False)
    result.seconds = now
    return result
