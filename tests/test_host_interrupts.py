"""Interrupts: Ctrl-C, signals with all kinds of handlers, and time limits that raise."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator

import pytest

from monocloud_sync import MonoCloudClient, _blocking

from .programs import (
    ASYNC_PRELUDE,
    KEY,
    PRELUDE,
    noise,
    posix,
    says,
    started,
    until,
)
from .wire import Step, Writer, answer, served, silence

pytestmark = posix


@pytest.fixture(autouse=True)
def runner(monkeypatch: pytest.MonkeyPatch) -> Iterator[_blocking._Runner]:
    """A separate loop for the test, so that leftovers of other tests are not counted."""
    runner = _blocking._Runner()
    monkeypatch.setattr(_blocking, "_runner", runner)
    yield runner
    runner.stop()


def when(condition: Callable[[], object]) -> threading.Thread:
    """Send this process SIGINT once a condition is true."""

    def interrupt() -> None:
        until(condition)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    return thread


def held(gate: threading.Event) -> Step:
    """Answer once the gate is open."""

    async def step(writer: Writer) -> None:
        await asyncio.to_thread(gate.wait)
        await answer()(writer)

    return step


async def tasks() -> int:
    """Return the number of calls in flight without this one; an emulator runs other tasks."""
    return sum("_carry_out" in repr(task.get_coro()) for task in asyncio.all_tasks()) - 1


def test_an_interrupt_ends_the_call_before_it_propagates() -> None:
    with served(silence, answer()) as wire, MonoCloudClient(wire.url, KEY) as client:
        thread = when(lambda: wire.requests)
        with pytest.raises(KeyboardInterrupt):
            client.phones.set_primary("u", "p")
        thread.join()
        assert _blocking.run(tasks) == 0
        until(wire.left.is_set)
        assert client.users.get("u").user_id


def test_an_interrupt_ends_a_call_that_waits_for_a_connection() -> None:
    gate = threading.Event()
    with served(held(gate), answer()) as wire:
        with MonoCloudClient(wire.url, KEY, max_connections=1) as client:
            other = threading.Thread(target=client.users.get, args=("u",))
            other.start()
            until(lambda: wire.requests)
            thread = when(lambda: _blocking.run(tasks) == 2)
            with pytest.raises(KeyboardInterrupt):
                client.phones.set_primary("u", "p")
            thread.join()
            assert (_blocking.run(tasks), len(wire.requests)) == (1, 1)
            gate.set()
            other.join()
            assert client.users.get("u").user_id


def test_an_interrupt_ends_a_call_that_waits_for_a_retry() -> None:
    with served(answer(503, Retry_After="30"), answer()) as wire:
        with MonoCloudClient(wire.url, KEY, max_connections=1) as client:
            thread = when(lambda: wire.requests)
            with pytest.raises(KeyboardInterrupt):
                client.phones.set_primary("u", "p")
            thread.join()
            assert (_blocking.run(tasks), len(wire.requests)) == (0, 1)
            assert client.users.get("u").user_id


def test_an_interrupt_during_the_start_of_the_loop_leaves_no_thread(
    monkeypatch: pytest.MonkeyPatch, runner: _blocking._Runner
) -> None:
    before = set(threading.enumerate())
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        raise KeyboardInterrupt

    with served(answer()) as wire, MonoCloudClient(wire.url, KEY) as client:
        server = set(threading.enumerate())
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", interrupted)
            with pytest.raises(KeyboardInterrupt):
                client.users.get("u")
        until(lambda: set(threading.enumerate()) <= server)
        assert client.users.get("u").user_id
        assert len(wire.requests) == 1
    runner.stop()
    assert set(threading.enumerate()) <= before


def test_ctrl_c_ends_a_program_and_its_connection() -> None:
    with served(silence) as wire:
        with started("call()", PRELUDE, wire.url) as running:
            until(lambda: wire.requests)
            running.signal(signal.SIGINT)
            assert running.end(seconds=8) == -signal.SIGINT
            assert running.stderr.splitlines()[-1] == "KeyboardInterrupt"
        until(wire.left.is_set)


def test_a_new_loop_works_after_ctrl_c() -> None:
    source = """
    try: asyncio.run(call())
    except KeyboardInterrupt: print("interrupted")
    print("then", asyncio.run(call()))
    """
    with served(silence, answer()) as wire:
        with started(source, ASYNC_PRELUDE, wire.url) as running:
            until(lambda: wire.requests)
            running.signal(signal.SIGINT)
            running.line("interrupted")
            until(wire.left.is_set)
            assert running.line("then") == "UO"
            assert running.end() == 0
            assert noise(running.stderr) == []


def test_a_signal_handler_can_make_a_call_during_another() -> None:
    gate = threading.Event()
    source = """
    import signal
    signal.signal(signal.SIGUSR1, lambda *_: print("handler", call()))
    print("main", call())
    """
    with served(held(gate), answer()) as wire:
        with started(source, PRELUDE, wire.url) as running:
            until(lambda: wire.requests)
            running.signal(signal.SIGUSR1)
            assert running.line("handler") == "UO"
            gate.set()
            assert running.line("main") == "UO"
            assert running.end() == 0


def test_a_signal_handler_can_end_the_program() -> None:
    source = """
    import signal
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
    with client:
        call()
    """
    with served(silence) as wire:
        with started(source, PRELUDE, wire.url) as running:
            until(lambda: wire.requests)
            running.signal(signal.SIGTERM)
            assert running.end(seconds=8) == 5
            assert noise(running.stderr) == []
        until(wire.left.is_set)


def test_interrupts_at_any_point_leave_no_task_slot_or_thread_behind() -> None:
    says(
        """
        import asyncio, gc, random, signal
        from monocloud_sync import _blocking
        client = MonoCloudClient(max_connections=1)
        class Raised(Exception): pass
        def interrupt(*_): raise Raised
        signal.signal(signal.SIGALRM, interrupt)
        call()
        # Python reports and drops an exception raised while the collector works.
        gc.disable()
        hits = 0
        for seed in range(400):
            # Interrupts hit calls and the gaps between them, the same way in each run.
            after = random.Random(seed).uniform(0.00001, 0.002)
            try:
                signal.setitimer(signal.ITIMER_REAL, after)
                while True: call()
            except Raised:
                hits += 1
        async def tasks(): return len(asyncio.all_tasks()) - 1
        gc.collect()
        print(hits, _blocking.run(tasks), threading.active_count(), call())
        """,
        "400 0 2 UO",
    )
