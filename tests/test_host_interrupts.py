"""Interrupts: Ctrl-C, signals with handlers of all kinds, and time limits that raise."""

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
    """A loop of the test's own: nothing of what other tests leave on theirs is counted here."""
    runner = _blocking._Runner()
    monkeypatch.setattr(_blocking, "_runner", runner)
    yield runner
    runner.stop()


def when(condition: Callable[[], object]) -> threading.Thread:
    """Send this process SIGINT as soon as something holds."""

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
    """Return how many calls are on their way, but for this one; an emulator has other tasks."""
    return sum("_carry_out" in repr(task.get_coro()) for task in asyncio.all_tasks()) - 1


def test_an_interrupt_ends_the_call_before_it_is_raised() -> None:
    with served(silence, answer()) as wire, MonoCloudClient(wire.url, KEY) as client:
        thread = when(lambda: wire.requests)
        with pytest.raises(KeyboardInterrupt):
            client.phones.set_primary("u", "p")
        thread.join()
        assert _blocking.run(tasks) == 0
        until(wire.left.is_set)
        assert client.users.get("u").user_id


def test_an_interrupt_while_the_call_waits_for_its_turn() -> None:
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


def test_an_interrupt_while_the_call_waits_to_be_repeated() -> None:
    with served(answer(503, Retry_After="30"), answer()) as wire:
        with MonoCloudClient(wire.url, KEY, max_connections=1) as client:
            thread = when(lambda: wire.requests)
            with pytest.raises(KeyboardInterrupt):
                client.phones.set_primary("u", "p")
            thread.join()
            assert (_blocking.run(tasks), len(wire.requests)) == (0, 1)
            assert client.users.get("u").user_id


def test_an_interrupt_while_the_loop_is_being_started(
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


def test_a_program_that_ctrl_c_ends_says_so_and_the_server_sees_it_go() -> None:
    with served(silence) as wire:
        with started("call()", PRELUDE, wire.url) as running:
            until(lambda: wire.requests)
            running.signal(signal.SIGINT)
            assert running.end(seconds=8) == -signal.SIGINT
            assert running.stderr.splitlines()[-1] == "KeyboardInterrupt"
        until(wire.left.is_set)


def test_ctrl_c_in_a_program_of_one_loop_after_another() -> None:
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


def test_a_handler_may_make_a_call_while_another_is_waited_for() -> None:
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


def test_a_handler_may_end_the_program() -> None:
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


def test_interrupts_at_any_place_leave_no_task_no_slot_and_no_thread_behind() -> None:
    says(
        """
        import asyncio, gc, random, signal
        from monocloud_sync import _blocking
        client = MonoCloudClient(max_connections=1)
        class Raised(Exception): pass
        def interrupt(*_): raise Raised
        signal.signal(signal.SIGALRM, interrupt)
        call()
        # What is raised while the collector works, Python reports and drops.
        gc.disable()
        hits = 0
        for seed in range(400):
            # The interrupts come within a call and between calls, alike at each run.
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
