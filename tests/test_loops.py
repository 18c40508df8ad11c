"""One async client in several event loops, one after another and side by side."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from typing import Any

import pytest

from monocloud_async import MonoCloudClient

from .programs import ASYNC_PRELUDE, SECONDS, environment
from .wire import PAGE, Wire, answer, served


async def use(client: MonoCloudClient) -> None:
    assert (await client.users.get("u")).user_id == PAGE["user_id"]


def test_one_client_works_in_one_loop_after_another() -> None:
    with served(answer()) as wire:
        client = MonoCloudClient(wire.url, "key")
        for _ in range(3):
            asyncio.run(use(client))
        assert wire.connections == 3
        assert len(client._caller.sessions._pools) == 1


def test_one_client_works_in_several_loops_at_once() -> None:
    barrier = threading.Barrier(4)

    async def main(client: MonoCloudClient) -> None:
        barrier.wait()
        await asyncio.gather(*(use(client) for _ in range(10)))

    with served(answer()) as wire:
        client = MonoCloudClient(wire.url, "key")
        threads = [threading.Thread(target=asyncio.run, args=(main(client),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(wire.requests) == 40


def test_closing_in_one_loop_closes_the_session_of_another() -> None:
    opened, closed = threading.Event(), threading.Event()

    async def other(client: MonoCloudClient) -> None:
        await use(client)
        pool = client._caller.sessions.opened()
        assert pool
        opened.set()
        await asyncio.to_thread(closed.wait)
        for _ in range(100):
            if pool.session.closed:
                return
            await asyncio.sleep(0.01)
        pytest.fail("the session stayed open")

    with served(answer()) as wire:
        client = MonoCloudClient(wire.url, "key")
        thread = threading.Thread(target=asyncio.run, args=(other(client),))
        thread.start()
        opened.wait()

        async def main() -> None:
            await use(client)
            await client.aclose()

        asyncio.run(main())
        closed.set()
        thread.join()


async def test_a_forgotten_client_closes_its_connections() -> None:
    async with Wire(answer()) as wire:
        await use(MonoCloudClient(wire.url, "key"))
        await wire.left.wait()


async def test_a_client_in_a_reference_cycle_closes_its_connections() -> None:
    async with Wire(answer()) as wire:
        client: Any = MonoCloudClient(wire.url, "key")
        await use(client)
        client.myself = client
        del client
        gc.collect()
        await wire.left.wait()


async def test_concurrent_first_calls_open_one_session() -> None:
    async with Wire(answer()) as wire, MonoCloudClient(wire.url, "key") as client:
        await asyncio.gather(*(use(client) for _ in range(20)))
        assert len(client._caller.sessions._pools) == 1


def test_sessions_of_closed_loops_are_dropped_silently() -> None:
    source = """
for _ in range(3):
    loop = asyncio.new_event_loop()
    print(loop.run_until_complete(call()), len(client._caller.sessions._pools))
    loop.close()
asyncio.run(client.aclose())
"""
    with served(answer()) as wire:
        # Not in development mode, where Python warns about the loops.
        done = subprocess.run(
            [sys.executable, "-c", ASYNC_PRELUDE + source],
            env=environment(wire.url),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert (done.stdout.split(), done.stderr) == (["UO", "1"] * 3, "")


@pytest.mark.parametrize(
    "how", ["shared client", "client per loop", "forgotten", "loop left open", "both left open"]
)
def test_a_program_that_closes_its_loops_by_hand_exits_silently(how: str) -> None:
    source = """
how, kept = sys.argv[1], []
def task():
    mine = client if how == "shared client" else MonoCloudClient()
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(mine.users.get("u")).user_id[:2]
    finally:
        if how == "forgotten":
            del mine
        if "left open" in how:
            kept.append((loop, mine if how == "both left open" else None))
        else:
            loop.close()
print(task(), task())
"""
    with served(answer()) as wire:
        # The client is never closed. Not in development mode, where Python warns about the loops.
        done = subprocess.run(
            [sys.executable, "-c", ASYNC_PRELUDE + source, how],
            env=environment(wire.url),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert (done.stdout.split(), done.stderr) == (["UO", "UO"], "")
