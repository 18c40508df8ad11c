"""A client in the children of a process: forks of every kind, spawned processes, daemons."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from .programs import ASYNC_PRELUDE, SECONDS, environment, posix, says
from .wire import Step, Writer, answer, served

pytestmark = posix


def first_waits_for_second(arrived: Path) -> tuple[Step, Step]:
    """Return two steps: the first creates a file, and answers after the second has answered."""
    second = asyncio.Event()

    async def wait(writer: Writer) -> None:
        arrived.touch()  # noqa: ASYNC240  it takes no time
        await second.wait()
        await answer()(writer)

    async def go(writer: Writer) -> None:
        await answer()(writer)
        second.set()

    return wait, go


# The blocking client


def test_a_child_does_not_report_the_runs_of_its_parent() -> None:
    says(
        """
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from monocloud_async.telemetry import OpenTelemetry

        reader = InMemoryMetricReader()

        def reported():
            data = reader.get_metrics_data()
            scopes = (s for r in (data.resource_metrics if data else ()) for s in r.scope_metrics)
            names = {m.name for s in scopes for m in s.metrics}
            return "monocloud.client.bulk.rate" in names

        provider = MeterProvider([reader], shutdown_on_exit=False)
        watched = MonoCloudClient(telemetry=OpenTelemetry(meter_provider=provider))
        run = watched.many(watched.users.get, [("u",)] * 1000, rate=100.0, concurrency=2)
        next(run)
        pid = os.fork()
        if pid == 0:
            print(reported(), flush=True)
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        print(reported())
        run.close()
        """,
        "False True",
    )


@pytest.mark.parametrize("first", ["", "print(call())"])
def test_a_client_survives_a_fork_before_or_after_its_first_call(first: str) -> None:
    says(
        f"""
        {first}
        pid = os.fork()
        if pid == 0:
            print(call(), call(), flush=True)
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        print(call())
        """,
        "UO UO UO" + (" UO" if first else ""),
    )


@pytest.mark.parametrize("ending", ["sys.exit(0)", "os._exit(0)", "del client; gc.collect()"])
def test_children_that_only_exit_leave_the_parent_s_connection_alone(ending: str) -> None:
    wire = says(
        f"""
        import gc
        call()
        for _ in range(10):
            pid = os.fork()
            if pid == 0:
                {ending}
                sys.exit(0)
            assert os.waitpid(pid, 0)[1] == 0
            assert call() == "UO"
        print("done")
        """,
        "done",
    )
    assert (len(wire.used), len(wire.requests)) == (1, 11)


def test_each_child_and_grandchild_has_its_own_connection() -> None:
    wire = says(
        """
        def fork(depth):
            call()
            pid = os.fork()
            if pid == 0:
                if depth:
                    fork(depth - 1)
                client.close()
                sys.exit(0)
            assert os.waitpid(pid, 0)[1] == 0
            print(depth, call(), flush=True)
        fork(3)
        """,
        "0 UO 1 UO 2 UO 3 UO",
    )
    assert (len(wire.used), len(wire.requests)) == (4, 8)


def test_a_thread_can_fork_while_other_threads_call() -> None:
    says(
        """
        call()
        stop = threading.Event()
        def hammer():
            while not stop.is_set(): call()
        threads = [threading.Thread(target=hammer) for _ in range(4)]
        for thread in threads: thread.start()
        def fork():
            for _ in range(5):
                pid = os.fork()
                if pid == 0:
                    assert call() == "UO"
                    os._exit(7)
                print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        forker = threading.Thread(target=fork)
        forker.start(); forker.join(); stop.set()
        for thread in threads: thread.join()
        """,
        "7 7 7 7 7",
    )


def test_a_fork_during_another_thread_s_call_is_safe(tmp_path: Path) -> None:
    arrived = tmp_path / "arrived"
    wire = says(
        f"""
        import time
        results = []
        thread = threading.Thread(target=lambda: results.append(call()))
        thread.start()
        while not os.path.exists({str(arrived)!r}): time.sleep(0.002)
        pid = os.fork()
        if pid == 0:
            print("child", call(), flush=True)
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        thread.join()
        print("parent", *results)
        """,
        "child UO parent UO",
        *first_waits_for_second(arrived),
    )
    assert (len(wire.used), len(wire.requests)) == (2, 2)


def test_a_fork_while_another_thread_starts_the_loop_is_safe() -> None:
    says(
        """
        from monocloud_sync import _blocking
        held, forked = threading.Event(), threading.Event()
        def starting():
            with _blocking._runner._lock:
                held.set()
                forked.wait()
        thread = threading.Thread(target=starting)
        thread.start()
        held.wait()
        pid = os.fork()
        if pid == 0:
            print(call(), flush=True)
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        forked.set()
        thread.join()
        print(call())
        """,
        "UO UO",
    )


def test_a_program_can_turn_itself_into_a_daemon() -> None:
    wire = says(
        """
        print(call(), flush=True)
        reading, writing = os.pipe()
        if os.fork() == 0:
            os.setsid()
            if os.fork():
                sys.exit(0)
            print(call(), flush=True)
            os.write(writing, b"x")
            sys.exit(0)
        # The daemon outlives its parent process, but not the test.
        os.close(writing)
        assert os.read(reading, 2) == b"x"
        assert os.read(reading, 2) == b""
        """,
        "UO UO",
    )
    assert len(wire.used) == 2


@pytest.mark.parametrize("where", ["results", "rows"])
def test_a_child_does_not_continue_its_parent_s_run(where: str) -> None:
    wire = says(
        f"""
        from monocloud_async import ConfigurationError
        parent = os.getpid()
        child = None
        def forks():
            global child
            child = os.fork()
        def rows():
            for n in range(300):
                if n == 290 and {where == "rows"}: forks()
                yield f"u{{n}}", "p"
        run = client.phones.set_primary_many(rows())
        try:
            next(run)
            if {where == "results"}: forks()
            found = 1 + len(list(run))
        except ConfigurationError as error:
            assert os.getpid() != parent
            print("parent process" in str(error), "nothing was sent" in str(error))
            print(len(list(client.phones.set_primary_many([("u", "p")]))), flush=True)
            sys.exit(0)
        assert os.getpid() == parent
        assert os.waitpid(child, 0)[1] == 0
        print(found)
        """,
        "True True 1 300",
    )
    assert len(wire.requests) == 301


def test_any_process_can_start_an_unstarted_run() -> None:
    says(
        """
        run = client.phones.set_primary_many([("u", "p")])
        pid = os.fork()
        if pid == 0:
            print(len(list(run)), flush=True)
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        print(len(list(run)))
        """,
        "1 1",
    )


# multiprocessing


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_works_with_every_start_method(method: str, tmp_path: Path) -> None:
    script = tmp_path / "job.py"
    script.write_text(
        textwrap.dedent(f"""
        import multiprocessing
        from monocloud_sync import MonoCloudClient
        client = MonoCloudClient()
        def job(i): return client.users.get(f"u{{i}}").user_id[:2]
        if __name__ == "__main__":
            print(job(0))
            with multiprocessing.get_context("{method}").Pool(2) as pool:
                print(*pool.map(job, range(4)))
            print(job(0))
        """)
    )
    with served(answer()) as wire:
        done = subprocess.run(
            [sys.executable, str(script)],
            env={**environment(wire.url), "PYTHONWARNINGS": "ignore::DeprecationWarning"},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["UO"] * 6, "")


def test_a_process_pool_works_under_a_running_loop() -> None:
    wire = says(
        """
        import multiprocessing, monocloud_sync, warnings
        warnings.filterwarnings("ignore", "a blocking call", RuntimeWarning)
        from concurrent.futures import ProcessPoolExecutor
        blocking = monocloud_sync.MonoCloudClient()
        def waited(i): return blocking.users.get(f"u{i}").user_id[:2]
        def looped(i): return asyncio.run(call())
        async def main():
            print(await call(), waited(0))
            loop = asyncio.get_running_loop()
            with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
                for job in waited, looped, waited, looped:
                    print(await loop.run_in_executor(pool, job, 1))
            print(await call(), waited(0))
        asyncio.run(main())
        """,
        "UO " * 8,
        prelude=ASYNC_PRELUDE,
    )
    # The parent keeps two, the child's blocking client one, and each loop of the child has one.
    assert len(wire.used) == 5


# The asynchronous client


def test_an_async_client_works_after_a_fork() -> None:
    says(
        """
        print(asyncio.run(call()), flush=True)
        pid = os.fork()
        if pid == 0:
            print(asyncio.run(call()), flush=True)
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        print(asyncio.run(call()))
        """,
        "UO UO UO",
        prelude=ASYNC_PRELUDE,
    )


@pytest.mark.parametrize(
    ("ending", "by_child"),
    [
        ("sys.exit(0)", 0),
        ("os._exit(0)", 0),
        ("return", 0),
        ("del client; gc.collect(); return", 0),
        ("await client.aclose(); return", 0),
        ("asyncio.run(call()); sys.exit(0)", 1),
        ("asyncio.run(call()); return", 1),
    ],
)
def test_a_fork_inside_a_loop_leaves_its_connections_alone(ending: str, by_child: int) -> None:
    wire = says(
        f"""
        import gc
        async def main():
            global client
            await call()
            for _ in range(3):
                pid = os.fork()
                if pid == 0:
                    {ending}
                assert os.waitpid(pid, 0)[1] == 0
                assert await call() == "UO"
            print("done")
        asyncio.run(main())
        """,
        "done",
        prelude=ASYNC_PRELUDE,
    )
    assert (len(wire.used), len(wire.requests)) == (1 + 3 * by_child, 4 + 3 * by_child)


def test_a_fork_inside_a_loop_leaves_calls_in_flight_alone(tmp_path: Path) -> None:
    arrived = tmp_path / "arrived"
    wire = says(
        f"""
        async def main():
            waiting = asyncio.create_task(call())
            while not os.path.exists({str(arrived)!r}): await asyncio.sleep(0.002)
            pid = os.fork()
            if pid == 0:
                sys.exit(0)
            assert os.waitpid(pid, 0)[1] == 0
            print(await call(), await waiting)
        asyncio.run(main())
        """,
        "UO UO",
        *first_waits_for_second(arrived),
        prelude=ASYNC_PRELUDE,
    )
    assert (len(wire.used), len(wire.requests)) == (2, 2)


def test_a_lent_session_is_refused_in_a_child_and_in_another_loop() -> None:
    wire = says(
        """
        import aiohttp
        from monocloud_async import ConfigurationError
        def refused():
            try: asyncio.run(call())
            except ConfigurationError as error: print("another" in str(error), flush=True)
        async def main():
            global client
            async with aiohttp.ClientSession() as session:
                client = MonoCloudClient(session=session)
                print(await call(), flush=True)
                pid = os.fork()
                if pid == 0:
                    refused()
                    os._exit(0)
                assert os.waitpid(pid, 0)[1] == 0
                await asyncio.to_thread(refused)
                print(await call())
        asyncio.run(main())
        """,
        "UO True True UO",
        prelude=ASYNC_PRELUDE,
    )
    assert (len(wire.used), len(wire.requests)) == (1, 2)
