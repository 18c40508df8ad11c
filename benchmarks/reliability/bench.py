"""What trials share: a client connected to an emulator, and the results of all clients."""

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
    """What was tested, and each client's result."""

    tried: str
    figures: Mapping[str, str]


@attrs.frozen(eq=False)
class Bench:
    """A new client, connected to a new emulator."""

    emulator: Emulator
    calls: Calls

    async def call(self, count: int, workers: int = WORKERS) -> list[Outcome]:
        """Make the second phone of ``count`` users primary."""
        return await call_for(self.calls, SET_PRIMARY, ids(count), workers)


@asynccontextmanager
async def fresh(
    contender: Contender, *faults: Fault, limits: Limits = _LIMITS, count: int = 1
) -> AsyncIterator[Bench]:
    """Yield a client that is connected to an emulator with ``count`` users and these faults."""
    with Emulator(users(count), api_key=KEY, faults=faults, journal=10 * count + 100) as emulator:
        async with contender(emulator.url, limits) as calls:
            yield Bench(emulator, calls)


async def each(
    measure: Callable[[Contender], Awaitable[str]], names: Iterable[str] = CONTENDERS
) -> dict[str, str]:
    """Return the result of a measurement for each client."""
    return {name: await measure(CONTENDERS[name]) for name in names}


def ids(count: int) -> list[str]:
    """Return the ids of ``count`` users."""
    return [f"user-{n}" for n in range(count)]


def failed(outcomes: Iterable[Outcome]) -> int:
    """Return the number of failed calls."""
    return sum(outcome.error is not None for outcome in outcomes)


def longest(outcomes: Iterable[Outcome]) -> str:
    """Return the duration of the longest call, as text."""
    return f"at most {max(outcome.seconds for outcome in outcomes):.1f} s"
