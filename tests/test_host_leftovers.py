"""Hundreds of clients leave no thread, file descriptor or task behind."""

from __future__ import annotations

import sys

import pytest

from .programs import ASYNC_PRELUDE, PRELUDE, says

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="counts descriptors in /dev/fd")

# A loop or the garbage collector closes connections a moment after they are released.
COUNT = """
import gc, time
def descriptors(): return len(os.listdir("/dev/fd"))
def lifetimes(loop):
    gc.collect()
    return len(loop._asyncgens)
def settled(look, expected):
    deadline = time.monotonic() + 20
    while look() != expected and time.monotonic() < deadline: time.sleep(0.005)
    return look() - expected
"""


@pytest.mark.parametrize(
    "use",
    [
        "with client: client.users.get('u')",
        "client.users.get('u')",
        "client.users.get('u'); client.me = client; del client",
    ],
)
def test_two_hundred_blocking_clients_leave_nothing_behind(use: str) -> None:
    says(
        f"""
        import asyncio
        from monocloud_sync import _blocking
        async def tasks(): return len(asyncio.all_tasks()) - 1
        call(); client.close()
        settled(lambda: _blocking.run(tasks), 0)
        before = threading.active_count(), descriptors()
        for _ in range(200):
            client = MonoCloudClient()
            {use}
        client = None
        print(settled(lambda: lifetimes(_blocking._runner._loop), 0))
        print(settled(lambda: _blocking.run(tasks), 0))
        print(settled(threading.active_count, before[0]), settled(descriptors, before[1]))
        """,
        "0 0 0 0",
        prelude=PRELUDE + COUNT,
    )


@pytest.mark.parametrize(
    "use",
    [
        "async with client: await client.users.get('u')",
        "await client.users.get('u')",
        "await client.users.get('u'); client.me = client; del client",
    ],
)
def test_two_hundred_async_clients_leave_nothing_behind(use: str) -> None:
    says(
        f"""
        import threading
        async def main():
            loop = asyncio.get_running_loop()
            async def settled(look, expected):
                deadline = time.monotonic() + 20
                while look() != expected and time.monotonic() < deadline: await asyncio.sleep(0.005)
                return look() - expected
            global client
            await call(); await client.aclose()
            before = threading.active_count(), descriptors()
            for _ in range(200):
                client = MonoCloudClient()
                {use}
            client = None
            # The collector only starts tasks for what it finds, so wait for those first.
            print(await settled(lambda: lifetimes(loop), 0))
            print(await settled(lambda: len(asyncio.all_tasks()), 1))
            print(await settled(threading.active_count, before[0]))
            print(await settled(descriptors, before[1]))
        asyncio.run(main())
        """,
        "0 0 0 0",
        prelude=ASYNC_PRELUDE + COUNT,
    )


def test_two_hundred_loops_with_one_client_leave_nothing_behind() -> None:
    says(
        """
        import threading
        asyncio.run(call())
        before = threading.active_count(), descriptors()
        for _ in range(200): asyncio.run(call())
        gc.collect()
        print(settled(threading.active_count, before[0]), settled(descriptors, before[1]))
        print(len(client._caller.sessions._pools))
        """,
        "0 0 1",
        prelude=ASYNC_PRELUDE + COUNT,
    )


def test_two_hundred_threads_with_loops_leave_nothing_behind() -> None:
    says(
        """
        import threading
        def use(): asyncio.run(call())
        use()
        before = threading.active_count(), descriptors()
        sys.setswitchinterval(1e-6)
        for _ in range(10):
            threads = [threading.Thread(target=use) for _ in range(20)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
        sys.setswitchinterval(0.005)
        asyncio.run(client.aclose())
        gc.collect()
        print(settled(threading.active_count, before[0]), settled(descriptors, before[1]))
        """,
        "0 0",
        prelude=ASYNC_PRELUDE + COUNT,
    )
