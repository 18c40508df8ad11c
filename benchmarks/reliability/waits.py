"""Trials of retries, waits and time limits."""

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
    """Respond with statuses that a retry cannot fix."""

    async def measure(contender: Contender) -> str:
        faults = [Fault(status=status, user_id=f"user-{n}") for n, status in enumerate(_FINAL)]
        async with fresh(contender, *faults, count=len(_FINAL)) as bench:
            await bench.call(len(_FINAL))
            return f"{bench.emulator.counts.requests - len(_FINAL)} retried"

    return Trial(f"{len(_FINAL)} statuses", await each(measure))


async def retry_after(_: int) -> Trial:
    """Ask the client to wait for one second."""

    async def measure(contender: Contender) -> str:
        fault = Fault(status=429, headers=_RETRY_AFTER, times=WORKERS)
        async with fresh(contender, fault, count=WORKERS) as bench:
            outcomes = await bench.call(WORKERS)
        return f"at least {min(outcome.seconds for outcome in outcomes):.2f} s"

    return Trial(f"{WORKERS} × 1 s", await each(measure))


async def junk_retry_after(_: int) -> Trial:
    """Respond with a meaningless Retry-After."""

    async def measure(contender: Contender) -> str:
        faults = [
            Fault(status=503, headers={"Retry-After": said}, user_id=f"user-{n}", times=1)
            for n, said in enumerate(_JUNK)
        ]
        async with fresh(contender, *faults, count=len(_JUNK)) as bench:
            return f"{failed(await bench.call(len(_JUNK)))} failed"

    return Trial(f"{len(_JUNK)} values", await each(measure))


async def deadline(_: int) -> Trial:
    """Set a deadline of 0.5 s, with a server that always responds with 503."""

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
    """Respond to every request with 503, as in an outage."""

    async def measure(contender: Contender) -> str:
        limits = Limits(connections=64)
        async with fresh(contender, Fault(status=503), limits=limits, count=calls) as bench:
            await bench.call(calls, workers=64)
            return f"{bench.emulator.counts.requests:,} requests"

    return Trial(f"{calls:,} calls", await each(measure))


async def stale(_: int) -> Trial:
    """Break connections on the server's side while they are idle."""

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
    """Send a body over 3 s, once, with a timeout of 0.3 s."""

    async def measure(contender: Contender) -> str:
        async with fresh(contender, Fault(drip=3, times=1), limits=Limits(0.3)) as bench:
            return longest(await bench.call(1))

    return Trial("3 s, limit 0.3 s", await each(measure))


async def slots(_: int) -> Trial:
    """Make calls that wait for the only connection for longer than the timeout."""

    async def measure(contender: Contender) -> str:
        limits = Limits(timeout=0.5, connections=1)
        async with fresh(contender, Fault(delay=0.03), limits=limits, count=50) as bench:
            return f"{failed(await bench.call(50, workers=50))} failed"

    return Trial("50 calls, 1 connection", await each(measure))
