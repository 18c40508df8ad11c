"""Compare bulk calls with typical handwritten code: ``python -m benchmarks.bulk``.

One comparison runs without a rate limit. Another has a limit that no header announces: 200 calls
per second with a burst of 20, enforced by 429 with ``Retry-After: 1``.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import multiprocessing
import os
import platform
import random
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

import aiohttp
import attrs

import monocloud_async

from .server import running

_KEY = "benchmark-key"
_PHONE = "ab66b6a2-df6b-4f9d-9eb2-5a7142984e70"
_HEADERS = {"X-API-KEY": _KEY, "Accept": "application/json, application/problem+json"}
_WORKERS = 32
_LIMIT = 200
_BURST = 20
OURS = "monocloud set_primary_many"


@attrs.frozen
class Result:
    """One contender's result.

    Attributes:
        rows: the number of completed rows.
        seconds: the duration.
        refused: the number of requests that got 429.
        megabytes: the peak memory of its process.
    """

    rows: int
    seconds: float
    refused: int = 0
    megabytes: float = 0.0

    @property
    def rate(self) -> float:
        """Rows per second."""
        return self.rows / self.seconds


Contender = Callable[[str, int], Awaitable[int]]


def _rows(count: int) -> Iterator[tuple[str, str]]:
    return ((f"UOtBaOybB6dT{n:09d}", _PHONE) for n in range(count))


def _url(origin: str, user_id: str, phone: str) -> str:
    return f"{origin}/api/users/{user_id}/phones/{phone}/primary"


async def _monocloud(origin: str, count: int) -> int:
    """Update all rows and, like every contender, return the number of requests that got 429."""
    attempts = 0
    async with monocloud_async.MonoCloudClient(origin, _KEY) as client:
        async for outcome in client.phones.set_primary_many(_rows(count), concurrency=_WORKERS):
            if outcome.error:
                raise outcome.error
            attempts += outcome.attempts
    return attempts - count


async def _bare_workers(origin: str, count: int) -> int:
    rows = _rows(count)
    async with aiohttp.ClientSession(headers=_HEADERS) as session:

        async def worker() -> None:
            for user_id, phone in rows:
                async with session.post(_url(origin, user_id, phone)) as response:
                    json.loads(await response.read())

        await asyncio.gather(*(worker() for _ in range(_WORKERS)))
    return 0


def _gathered(wait: Callable[[aiohttp.ClientResponse, int], float]) -> Contender:
    async def run(origin: str, count: int) -> int:
        refused = 0
        turns = asyncio.Semaphore(_WORKERS)
        async with aiohttp.ClientSession(headers=_HEADERS) as session:

            async def one(user_id: str, phone: str) -> None:
                nonlocal refused
                async with turns:
                    for attempt in range(1_000):
                        async with session.post(_url(origin, user_id, phone)) as response:
                            body = await response.read()
                        if response.status != 429:
                            json.loads(body)
                            return
                        refused += 1
                        await asyncio.sleep(wait(response, attempt))

            await asyncio.gather(*(one(*row) for row in _rows(count)))
        return refused

    return run


def _as_asked(response: aiohttp.ClientResponse, attempt: int) -> float:  # noqa: ARG001
    return float(response.headers["Retry-After"])


def _backoff(response: aiohttp.ClientResponse, attempt: int) -> float:  # noqa: ARG001
    return random.uniform(0, min(20.0, 0.5 * 2**attempt))


LIMITED: dict[str, Contender] = {
    OURS: _monocloud,
    "gather, Retry-After in each task": _gathered(_as_asked),
    "gather, jittered backoff": _gathered(_backoff),
}
UNLIMITED: dict[str, Contender] = {OURS: _monocloud, "bare aiohttp workers": _bare_workers}


def _measure(contender: Contender, origin: str, count: int, bound: float) -> Result:
    """Run a contender in this process, for at most ``bound`` seconds."""
    gc.collect()
    started = time.perf_counter()
    refused = asyncio.run(asyncio.wait_for(contender(origin, count), bound))
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Result(count, seconds, refused, peak)


def _task(arguments: tuple[str, str, str, int, float]) -> Result:
    group, name, origin, count, bound = arguments
    contenders = LIMITED if group == "limited" else UNLIMITED
    return _measure(contenders[name], origin, count, bound)


def _apart(*arguments: str | float) -> Result:
    """Measure in a separate process, so that its memory is not mixed with that of others."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.map(_task, [arguments])[0]  # type: ignore[list-item]


def limited(count: int) -> dict[str, Result]:
    """Run all contenders with the rate limit, each against its own server."""
    results = {}
    for name in LIMITED:
        with running("benchmarks.limited_server", str(_LIMIT), str(_BURST)) as origin:
            print(f"with a limit: {name}", file=sys.stderr, flush=True)
            results[name] = _apart("limited", name, origin, count, 60 + 20 * count / _LIMIT)
    return results


def unlimited(count: int, rounds: int) -> dict[str, list[Result]]:
    """Run all contenders in turn against the server without a limit."""
    results: dict[str, list[Result]] = {name: [] for name in UNLIMITED}
    with running() as origin:
        for turn in range(rounds):
            print(f"without a limit: round {turn + 1} of {rounds}", file=sys.stderr, flush=True)
            for name, found in results.items():
                found.append(_apart("unlimited", name, origin, count, 60 + count / 50))
    return results


def main() -> None:
    """Run the benchmark with the options from the command line."""
    options = _options()
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    few = unlimited(min(options.rows, 10_000), 1)[OURS][0]
    many = unlimited(options.rows, options.rounds)
    within = limited(options.limited_rows) if options.limited_rows else {}
    print(_table(within, many, few))
    options.json.write_text(json.dumps(_report(within, many, few), indent=2) + "\n")
    print(f"\nWritten to {options.json}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulk", description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000, help="(default: 50000)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: 3)")
    parser.add_argument(
        "--limited-rows", type=int, default=12_000, help="0 to skip (default: 12000)"
    )
    where = Path(__file__).parent / "bulk.json"
    parser.add_argument("--json", type=Path, default=where, help="file for all samples")
    return parser.parse_args()


def _table(within: dict[str, Result], many: dict[str, list[Result]], few: Result) -> str:
    lines = [f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {_WORKERS} in flight", ""]
    if within:
        lines.append(f"{'limit of 200/s, burst 20':36} {'rows/s':>8} {'refused':>8} {'used':>6}")
    for name, one in within.items():
        share = one.refused / (one.refused + one.rows)
        lines.append(f"{name:36} {one.rate:8,.0f} {share:8.1%} {one.rate / _LIMIT:6.0%}")
    lines += ["", f"{'no limit':36} {'rows/s':>8} {'ratio':>8} {'MB':>6}"]
    for name, found in many.items():
        best = max(one.rate for one in found)
        ratio = max(one.rate for one in many[OURS]) / best
        lines.append(f"{name:36} {best:8,.0f} {ratio:8.2f} {max(o.megabytes for o in found):6.0f}")
    lines.append(f"{OURS}, {few.rows:,} rows: {few.megabytes:.0f} MB")
    return "\n".join(lines)


def _report(
    within: dict[str, Result], many: dict[str, list[Result]], few: Result
) -> dict[str, object]:
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
        "workers": _WORKERS,
        "limited": {name: attrs.asdict(one) for name, one in within.items()},
        "unlimited": {name: [attrs.asdict(o) for o in found] for name, found in many.items()},
        "unlimited_few_rows": attrs.asdict(few),
    }


if __name__ == "__main__":
    main()
