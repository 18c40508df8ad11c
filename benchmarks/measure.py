"""Measure all contenders in turn for several rounds, and summarize the results."""

from __future__ import annotations

import asyncio
import gc
import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.pool import ThreadPool

import attrs

from .contenders import ASYNC, OURS, SYNC, AsyncContender, SyncContender

# A realistic response time, in seconds; fewer calls suffice with it.
SLOW = 0.02
_FEWER_WHERE_SLOW = 20
# No id is used twice, so that caching URLs helps no contender.
_numbers = itertools.count()


@attrs.frozen(eq=False)
class Setting:
    """Contenders to compare with each other.

    Attributes:
        name: a name for the report.
        workers: the number of calls in flight, or of threads.
        timers: each contender's function from (origin, number of calls) to seconds.
        delay: the server's response time, in seconds.
    """

    name: str
    workers: int
    timers: Mapping[str, Callable[[str, int], float]]
    delay: float = 0.0


@attrs.frozen
class Result:
    """One contender's result in one setting.

    Attributes:
        samples: calls per second, for each round.
        ratios: monocloud's calls per second divided by this contender's, for each round.
        ratio: monocloud's median calls per second divided by this contender's.
    """

    samples: list[float]
    ratios: list[float]
    ratio: float

    @property
    def median(self) -> float:
        """The median calls per second of all rounds."""
        return statistics.median(self.samples)


def settings() -> list[Setting]:
    """Return all settings, in the order in which they are measured."""
    return [
        *(_async_setting(in_flight, ASYNC) for in_flight in (1, 64)),
        *(_sync_setting(threads) for threads in (1, 16)),
        _sync_setting(1, delay=SLOW),
    ]


def growth() -> list[Setting]:
    """Return the settings that show how the cost of a call grows with the calls in flight."""
    ours = {OURS: ASYNC[OURS]}
    return [_async_setting(in_flight, ours) for in_flight in (16, 64, 256, 1024)]


def one_round(setting: Setting, origin: str, calls: int, turn: int) -> dict[str, float]:
    """Return each contender's calls per second; each round starts with a different one."""
    if setting.delay:
        calls = max(1, calls // _FEWER_WHERE_SLOW)
    names = list(setting.timers)
    first = turn % len(names)
    order = names[first:] + names[:first]
    return {name: calls / setting.timers[name](origin, calls) for name in order}


def summed_up(rounds: list[dict[str, float]]) -> dict[str, Result]:
    """Summarize the rounds of a setting per contender, ours first."""
    ours = [one[OURS] for one in rounds]
    results = {}
    for name in sorted(rounds[0], key=lambda name: name != OURS):
        theirs = [one[name] for one in rounds]
        results[name] = Result(
            samples=theirs,
            ratios=[mine / its for mine, its in zip(ours, theirs, strict=True)],
            ratio=statistics.median(ours) / statistics.median(theirs),
        )
    return results


def _async_setting(in_flight: int, contenders: Mapping[str, AsyncContender]) -> Setting:
    def timer(contender: AsyncContender) -> Callable[[str, int], float]:
        return lambda origin, calls: asyncio.run(_time_tasks(contender, origin, in_flight, calls))

    timers = {name: timer(contender) for name, contender in contenders.items()}
    return Setting(f"async, {in_flight} in flight", in_flight, timers)


def _sync_setting(threads: int, delay: float = 0.0) -> Setting:
    def timer(contender: SyncContender) -> Callable[[str, int], float]:
        return lambda origin, calls: _time_threads(contender, origin, threads, calls)

    timers = {name: timer(contender) for name, contender in SYNC.items()}
    name = f"sync, {threads} thread{'s' * (threads > 1)}"
    name += f", server takes {delay * 1000:.0f} ms" if delay else ""
    return Setting(name, threads, timers, delay)


async def _time_tasks(contender: AsyncContender, origin: str, in_flight: int, calls: int) -> float:
    async with contender(origin) as call:

        async def worker(user_ids: Iterator[str]) -> None:
            for user_id in user_ids:
                await call(user_id)

        async def seconds(user_ids: Iterator[str]) -> float:
            gc.collect()
            started = time.perf_counter()
            await asyncio.gather(*(worker(user_ids) for _ in range(in_flight)))
            return time.perf_counter() - started

        await seconds(_user_ids(_warm_up(calls, in_flight)))
        return await seconds(_user_ids(calls))


def _time_threads(contender: SyncContender, origin: str, threads: int, calls: int) -> float:
    with contender(origin) as call, ThreadPool(threads) as pool:

        def worker(user_ids: Iterator[str]) -> None:
            for user_id in user_ids:
                call(user_id)

        def seconds(user_ids: Iterator[str]) -> float:
            gc.collect()
            started = time.perf_counter()
            pool.map(worker, [user_ids] * threads, chunksize=1)
            return time.perf_counter() - started

        seconds(_user_ids(_warm_up(calls, threads)))
        return seconds(_user_ids(calls))


def _warm_up(calls: int, workers: int) -> int:
    """Return how many calls to make before timing, so that all connections are open."""
    return max(calls // 10, 2 * workers)


def _user_ids(count: int) -> Iterator[str]:
    """Return new ids that look like the API's, for the workers to share."""
    return iter([f"UOtBaOybB6dT{next(_numbers):09d}" for _ in range(count)])
