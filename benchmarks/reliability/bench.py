"""What a trial takes: a client before an emulator, and what came of it with each client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

import attrs

from monocloud_async.emulator import Fault
from monocloud_sync.emulator import Emulator

from .contenders import CONTENDERS, KEY, Calls, Contender, Limits
from .run import SET_PRIMARY, WORKERS, Outcome, call_for, users

_LIMITS = Limits()


@attrs.frozen(eq=False)
class Trial:
    """What was tried, and what came of it with each client."""

    tried: str
    figures: Mapping[str, str]


@attrs.frozen(eq=False)
class Bench:
    """A client before an emulator, both fresh."""

    emulator: Emulator
    calls: Calls

    async def call(self, count: int, workers: int = WORKERS) -> list[Outcome]:
        """Set the second phone of some users."""
        return await call_for(self.calls, SET_PRIMARY, ids(count), workers)


@asynccontextmanager
async def fresh(
    contender: Contender, *faults: Fault, limits: Limits = _LIMITS, count: int = 1
) -> AsyncIterator[Bench]:
    """Yield a client before an emulator that has some users and faults."""
    with Emulator(users(count), api_key=KEY, faults=faults, journal=10 * count + 100) as emulator:
        async with contender(emulator.url, limits) as calls:
            yield Bench(emulator, calls)


async def each(
    measure: Callable[[Contender], Awaitable[str]], names: Iterable[str] = CONTENDERS
) -> dict[str, str]:
    """Return what a measurement says of each client."""
    return {name: await measure(CONTENDERS[name]) for name in names}


def ids(count: int) -> list[str]:
    """Return the ids of some users."""
    return [f"user-{n}" for n in range(count)]


def failed(outcomes: Iterable[Outcome]) -> int:
    """Return how many calls failed."""
    return sum(outcome.error is not None for outcome in outcomes)


def longest(outcomes: Iterable[Outcome]) -> str:
    """Say how long the longest call took."""
    return f"{max(outcome.seconds for outcome in outcomes):.1f} s at most"
