"""Trials of what is repeated, and of how long things take."""

from __future__ import annotations

import asyncio

from monocloud_async import MonoCloudClient, RetryPolicy
from monocloud_async.emulator import Fault

from .bench import Trial, each, failed, fresh, ids, longest
from .contenders import ASYNC, CONTENDERS, KEY, SYNC, Calls, Contender, Limits
from .run import SET_PRIMARY, WORKERS, Outcome, call_for

_FINAL = (400, 401, 402, 403, 404, 409, 422, 501, 505)
_JUNK = ("soon", "-1", "nan", "inf", "1e999", "")
_RETRY_AFTER = {"Retry-After": "1"}


async def refusals(_: int) -> Trial:
    """Statuses that will not get better."""

    async def measure(contender: Contender) -> str:
        faults = [Fault(status=status, user_id=f"user-{n}") for n, status in enumerate(_FINAL)]
        async with fresh(contender, *faults, count=len(_FINAL)) as bench:
            await bench.call(len(_FINAL))
            return f"{bench.emulator.counts.requests - len(_FINAL)} repeated"

    return Trial(f"{len(_FINAL)} statuses", await each(measure))


async def retry_after(_: int) -> Trial:
    """A wait of a second that the server asks for."""

    async def measure(contender: Contender) -> str:
        fault = Fault(status=429, headers=_RETRY_AFTER, times=WORKERS)
        async with fresh(contender, fault, count=WORKERS) as bench:
            outcomes = await bench.call(WORKERS)
        return f"{min(outcome.seconds for outcome in outcomes):.2f} s at least"

    return Trial(f"{WORKERS} × 1 s", await each(measure))


async def junk_retry_after(_: int) -> Trial:
    """Waits that say nothing."""

    async def measure(contender: Contender) -> str:
        faults = [
            Fault(status=503, headers={"Retry-After": said}, user_id=f"user-{n}", times=1)
            for n, said in enumerate(_JUNK)
        ]
        async with fresh(contender, *faults, count=len(_JUNK)) as bench:
            return f"{failed(await bench.call(len(_JUNK)))} failed"

    return Trial(f"{len(_JUNK)} values", await each(measure))


async def deadline(_: int) -> Trial:
    """A deadline of 0.5 s, and a server that refuses for ever."""

    async def measure(contender: Contender) -> str:
        async with fresh(contender, Fault(status=503), count=WORKERS) as bench:
            policy = RetryPolicy(deadline=0.5, max_attempts=1000)
            async with MonoCloudClient(bench.emulator.url, KEY, retry=policy) as client:
                calls = Calls(client.phones.set_primary, client.phones.add)
                outcomes = await call_for(calls, SET_PRIMARY, ids(WORKERS))
        return longest(outcomes)

    found = (await each(measure, [ASYNC]))[ASYNC]
    ours = {ASYNC: found, SYNC: "the same"}
    return Trial(f"{WORKERS} calls", {**dict.fromkeys(CONTENDERS, "no such limit"), **ours})


async def storm(calls: int) -> Trial:
    """An outage in which every request is refused."""

    async def measure(contender: Contender) -> str:
        limits = Limits(connections=64)
        async with fresh(contender, Fault(status=503), limits=limits, count=calls) as bench:
            await bench.call(calls, workers=64)
            return f"{bench.emulator.counts.requests:,} requests"

    return Trial(f"{calls:,} calls", await each(measure))


async def stale(_: int) -> Trial:
    """Connections that the server breaks off while they are idle."""

    async def measure(contender: Contender) -> str:
        async with fresh(contender) as bench:
            outcomes = list[Outcome]()
            for _ in range(20):
                await bench.call(1)
                await asyncio.to_thread(bench.emulator.pause)
                await asyncio.to_thread(bench.emulator.resume)
                outcomes += await bench.call(1)
        return f"{failed(outcomes)} failed, {longest(outcomes)}"

    return Trial("20 breaks", await each(measure))


async def timeout(_: int) -> Trial:
    """A body that drips for 3 s, once, and a timeout of 0.3 s."""

    async def measure(contender: Contender) -> str:
        async with fresh(contender, Fault(drip=3, times=1), limits=Limits(0.3)) as bench:
            return longest(await bench.call(1))

    return Trial("3 s, limit 0.3 s", await each(measure))


async def slots(_: int) -> Trial:
    """Calls that wait for the only connection for longer than the timeout."""

    async def measure(contender: Contender) -> str:
        limits = Limits(timeout=0.5, connections=1)
        async with fresh(contender, Fault(delay=0.03), limits=limits, count=50) as bench:
            return f"{failed(await bench.call(50, workers=50))} failed"

    return Trial("50 calls, 1 connection", await each(measure))
