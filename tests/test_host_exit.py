"""How programs end: with or without close, during calls, with threads; always silently and soon."""

from __future__ import annotations

import pytest

from .programs import (
    ASYNC_PRELUDE,
    PRELUDE,
    noise,
    posix,
    program,
    says,
    started,
    until,
)
from .wire import answer, served, silence

LATE = """
def late():
    threading.main_thread().join()
    # Another thread could print between a print's text and its newline.
    sys.stdout.write(call() + "\\n")
threading.Thread(target=late).start()
"""


@pytest.mark.parametrize(
    "ending",
    [
        "",
        "client.close()",
        "del client",
        "sys.exit(0)",
        "with client: sys.exit(0)",
        "import atexit; atexit.register(lambda: print(call()))",
        "threading.Thread(target=lambda: print(call())).start()",
    ],
)
def test_a_program_ends_silently_with_or_without_close(ending: str) -> None:
    expected = "UO UO" if "print(" in ending else "UO"
    says(f"print(call())\n{ending}\n", expected, fresh=True)


@pytest.mark.parametrize("ending", ["", "await client.aclose()", "sys.exit(0)"])
def test_an_async_program_ends_silently_with_or_without_close(ending: str) -> None:
    says(
        f"""
        async def main():
            print(await call())
            {ending}
        asyncio.run(main())
        """,
        "UO",
        prelude=ASYNC_PRELUDE,
        fresh=True,
    )


@pytest.mark.parametrize(("ending", "status"), [("", 0), ("sys.exit(3)", 3), ("1 / 0", 1)])
def test_a_program_does_not_wait_for_calls_of_daemon_threads(ending: str, status: int) -> None:
    with served(silence) as wire:
        source = f"""
        for _ in range(8): threading.Thread(target=call, daemon=True).start()
        sys.stdin.readline()
        {ending}
        """
        with started(source, PRELUDE, wire.url) as running:
            until(lambda: len(wire.requests) == 8)
            running.go()
            # Each of those calls would have taken ten seconds, and its retries as much again.
            assert running.end(seconds=8) == status
            assert [line for line in noise(running.stderr) if "Error" in line] == (
                ["ZeroDivisionError: division by zero"] if status == 1 else []
            )


def test_threads_make_calls_after_the_main_thread_ended() -> None:
    says(LATE * 3, "UO UO UO")


def test_threads_resolve_names_after_the_main_thread_ended() -> None:
    says(LATE * 3, "UO UO UO", host="localhost")
    says(f"call()\n{LATE}", "UO", host="localhost")


def test_the_first_call_can_be_in_an_exit_handler() -> None:
    says("import atexit; atexit.register(lambda: print(call()))", "UO", host="localhost")


# Registered before the SDK is imported, and therefore run after the SDK's own exit handler.
AFTER_THE_END = """
import atexit
@atexit.register
def late():
    try:
        {late}
    except Exception as error: print(type(error).__name__, str(error).endswith("nothing was sent"))
    else: print("done")
"""


@pytest.mark.parametrize("before", ["", "call()", "call(); client.close()"])
def test_a_call_after_shutdown_is_refused_at_once(before: str) -> None:
    prelude = AFTER_THE_END.format(late="call()") + PRELUDE
    says(before, "ConfigurationError True", prelude=prelude, fresh=True)


@pytest.mark.parametrize("before", ["", "call()", "call(); client.close()"])
@pytest.mark.parametrize("late", ["client.close(); client.close()", "with client: pass"])
def test_a_close_after_shutdown_is_silent(late: str, before: str) -> None:
    says(before, "done", prelude=AFTER_THE_END.format(late=late) + PRELUDE, fresh=True)


def test_a_close_after_shutdown_does_not_hide_why_a_call_is_refused() -> None:
    late = "with client: call()"
    says(
        "call()",
        "ConfigurationError True",
        prelude=AFTER_THE_END.format(late=late) + PRELUDE,
        fresh=True,
    )


# Emulators

EMULATED = """
import sys, threading, time
from monocloud_sync import MonoCloudClient
from monocloud_sync.emulator import USER_ID, Emulator, Fault
emulator = Emulator()
emulator.start()
client = MonoCloudClient(emulator.url, emulator.api_key)
def call(): return client.users.get(USER_ID).user_id[:2]
def struck(**fault):
    emulator.faults.add(Fault(**fault))
    threading.Thread(target=call, daemon=True).start()
    while not emulator.counts.requests: time.sleep(0.002)
"""


@pytest.mark.parametrize(
    "ending",
    [
        "",
        "print(call())",
        "print(call()); client.close()",
        "emulator.pause()",
        "emulator.pause(); emulator.resume(); print(call())",
        "struck(outage=60)",
        "struck(delay=60)",
        "emulator.close(); emulator.start()",
        "sys.exit(0)",
        "import atexit; atexit.register(lambda: print(call()))",
        "threading.Thread(target=lambda: print(call())).start()",
    ],
)
def test_a_program_ends_silently_with_its_emulator_open(ending: str) -> None:
    says(ending, "UO" if "print(" in ending else "", prelude=EMULATED)


@pytest.mark.parametrize("ending", ["", "await emulator.pause()"])
def test_a_loop_ends_silently_with_an_emulator_open(ending: str) -> None:
    says(
        f"""
        from monocloud_async.emulator import USER_ID, Emulator
        async def main():
            global emulator
            emulator = Emulator()
            await emulator.start()
            client = MonoCloudClient(emulator.url, emulator.api_key)
            print((await client.users.get(USER_ID)).user_id[:2])
            {ending}
        for _ in range(2): asyncio.run(main())
        asyncio.run(emulator.aclose())
        """,
        "UO UO",
        prelude=ASYNC_PRELUDE,
    )


def test_an_emulator_closes_silently_after_shutdown() -> None:
    late = "emulator.close(); Emulator().close()"
    says("", "done", prelude=AFTER_THE_END.format(late=late) + EMULATED, fresh=True)
    late = "emulator.close(); emulator.start()"
    says(
        "",
        "ConfigurationError True",
        prelude=AFTER_THE_END.format(late=late) + EMULATED,
        fresh=True,
    )


def test_a_hanging_name_lookup_does_not_delay_the_exit() -> None:
    source = """
    import socket
    def hang(*args, **kwargs):
        print("looking up")
        threading.Event().wait()
    socket.getaddrinfo = hang
    threading.Thread(target=call, daemon=True).start()
    sys.stdin.readline()
    """
    with started(source, PRELUDE, "http://localhost:9") as running:
        running.line("looking up")
        running.go()
        assert running.end(seconds=8) == 0
        assert noise(running.stderr) == []


NO_THREADS = """
def refuse(*args, **kwargs): raise RuntimeError("can't start new thread")
threading._start_new_thread = threading._start_joinable_thread = refuse
"""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_without_new_threads_calls_run_in_the_caller_s_thread(host: str) -> None:
    wire = says(f"{NO_THREADS}\nprint(call(), call())", "UO UO", host=host)
    assert len(wire.requests) == 2


def test_without_new_threads_a_call_inside_a_running_loop_is_refused() -> None:
    wire = says(
        f"""{NO_THREADS}
import asyncio
async def main():
    try: call()
    except Exception as error: print(type(error).__name__, str(error).endswith("nothing was sent"))
asyncio.run(main())
""",
        "ConfigurationError True",
    )
    assert wire.requests == []


@posix
def test_without_file_descriptors_the_first_call_fails_clearly_and_the_next_works() -> None:
    source = """
    import resource
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, most))
    files = []
    try:
        while True: files.append(os.open(os.devnull, os.O_RDONLY))
    except OSError: pass
    try: call()
    except Exception as error: print(type(error).__name__, error)
    for file in files: os.close(file)
    print(call())
    """
    with served(answer()) as wire:
        # asyncio itself reports on stderr a loop that it could not create.
        done = program(source, wire, prelude=PRELUDE)
    assert done.stdout.splitlines() == [
        "ConfigurationError cannot create an event loop: Too many open files; nothing was sent",
        "UO",
    ]
