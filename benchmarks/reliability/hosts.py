"""Trials of the environments in which a client runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx

from monocloud_async import MonoCloudClient, RetryPolicy
from monocloud_sync.emulator import Emulator

from .bench import Trial, failed, ids
from .contenders import ASYNC, CONTENDERS, HTTPX, KEY, Calls
from .run import PHONE, SET_PRIMARY, call_for, users


async def loops(_: int) -> Trial:
    """Use one client in 20 event loops, one after another."""

    def run(client: Callable[[str], Callable[[], Awaitable[object]]]) -> str:
        with Emulator(users(1), api_key=KEY) as emulator:
            call = client(emulator.url)
            calls = Calls(lambda *_: call(), lambda *_: call())
            outcomes = [asyncio.run(call_for(calls, SET_PRIMARY, ids(1))) for _ in range(20)]
        return f"{failed(outcome for some in outcomes for outcome in some)} failed"

    def ours(origin: str) -> Callable[[], Awaitable[object]]:
        client = MonoCloudClient(origin, KEY, retry=RetryPolicy(max_attempts=1))
        return lambda: client.phones.set_primary("user-0", PHONE)

    def theirs(origin: str) -> Callable[[], Awaitable[object]]:
        client = httpx.AsyncClient(headers={"X-API-KEY": KEY})
        return lambda: client.post(f"{origin}/api/users/user-0/phones/{PHONE}/primary")

    found = {ASYNC: await asyncio.to_thread(run, ours), HTTPX: await asyncio.to_thread(run, theirs)}
    return Trial("20 loops", {**dict.fromkeys(CONTENDERS, "no event loops"), **found})
