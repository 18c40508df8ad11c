"""The blocking facade: the same names, from threads, forks, running loops and dying programs."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import monocloud_async
import monocloud_async.resources
import monocloud_sync
import monocloud_sync.resources
from monocloud_async import ConfigurationError, NotFoundError, RequestTimeoutError, RetryPolicy
from monocloud_sync import MonoCloudClient, _blocking

from .wire import PAGE, Wire, answer, problem, served, silence

ROOT = Path(__file__).parents[1]
KEY = "canary-6d1f3c"
posix = pytest.mark.skipif(os.name != "posix", reason="signals and forks")


# The same as the async package


def methods(kind: type) -> dict[str, Any]:
    return {name: f for name, f in vars(kind).items() if callable(f) and name[0] != "_"}


@pytest.mark.parametrize("name", monocloud_async.resources.__all__)
def test_each_async_method_has_its_twin(name: str) -> None:
    theirs = methods(getattr(monocloud_async.resources, name))
    ours = methods(getattr(monocloud_sync.resources, name))
    assert theirs.keys() == ours.keys()
    for method in theirs:
        assert inspect.signature(theirs[method]) == inspect.signature(ours[method])
        assert inspect.getdoc(theirs[method]) == inspect.getdoc(ours[method])
        iterates = "AsyncGenerator" in inspect.signature(theirs[method]).return_annotation
        assert inspect.iscoroutinefunction(theirs[method]) is not iterates
        assert not inspect.iscoroutinefunction(ours[method])


def test_the_client_is_the_async_one_s_twin() -> None:
    theirs = dict(inspect.signature(monocloud_async.MonoCloudClient).parameters)
    # A session belongs to the loop that it was made on, and the facade's loop is private.
    del theirs["session"]
    assert list(theirs.values()) == list(inspect.signature(MonoCloudClient).parameters.values())
    assert methods(monocloud_async.MonoCloudClient).keys() - {"aclose"} == methods(
        MonoCloudClient
    ).keys() - {"close"}
    assert vars(monocloud_async.MonoCloudClient).keys() >= {"__aenter__", "__aexit__"}


def test_both_packages_export_the_same() -> None:
    assert monocloud_async.__all__ == monocloud_sync.__all__
    for name in monocloud_async.__all__:
        if name != "MonoCloudClient":
            assert getattr(monocloud_async, name) is getattr(monocloud_sync, name)


# Calls


def test_a_call_and_its_errors() -> None:
    with served(answer(), problem(404)) as wire:
        with MonoCloudClient(wire.url, KEY) as client:
            user = client.phones.set_primary("u", "p")
            assert user.to_dict() == PAGE
            with pytest.raises(NotFoundError):
                client.phones.set_primary("u", "p")
            with pytest.raises(TypeError, match="identifier_id"):
                client.phones.set_primary("u")  # type: ignore[call-arg]
            view = client.with_options(timeout=0.05, retry=RetryPolicy(max_attempts=1))
            assert view.users is not client.users
        with pytest.raises(ConfigurationError, match="closed"):
            client.users.get("u")
        client.close()
    assert [r.line.split(" ")[0] for r in wire.requests] == ["POST", "POST"]
    assert wire.connections == 1


def test_a_timeout_of_the_call_is_not_taken_for_one_of_the_wait() -> None:
    with served(silence) as wire:
        client = MonoCloudClient(wire.url, KEY, timeout=0.05, retry=RetryPolicy(max_attempts=1))
        with client, pytest.raises(RequestTimeoutError):
            client.users.get("u")


def test_sixty_four_threads_share_one_client_and_one_loop() -> None:
    with served(answer()) as wire, MonoCloudClient(wire.url, KEY, max_connections=16) as client:
        before = threading.active_count()
        with ThreadPoolExecutor(64) as pool:
            users = list(pool.map(lambda i: client.users.get(f"u{i}"), range(640)))
        assert len(users) == len(wire.requests) == 640
        assert wire.connections <= 16
        assert threading.active_count() <= before + 1


async def test_it_works_while_a_loop_runs() -> None:
    with served(answer()) as wire, MonoCloudClient(wire.url, KEY) as client:
        assert client.users.get("u").to_dict() == PAGE
        assert (await asyncio.to_thread(client.users.get, "u")).to_dict() == PAGE


def test_a_call_on_the_loop_s_own_thread_is_refused_and_not_waited_for() -> None:
    client = MonoCloudClient("https://acme.us.monocloud.com", KEY)

    async def inside() -> None:
        client.users.get("u")

    with pytest.raises(ConfigurationError, match="wait for itself; nothing was sent"):
        _blocking.run(inside())


def test_the_caller_s_context_reaches_the_call() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("here")

    async def inside() -> str:
        return variable.get()

    assert _blocking.run(inside()) == "here"


def test_green_threads_get_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Monkey:
        @staticmethod
        def is_module_patched(name: str) -> bool:
            return name == "threading"

    monkeypatch.setitem(sys.modules, "gevent.monkey", Monkey())  # type: ignore[arg-type]
    monkeypatch.setattr(_blocking, "_runner", _blocking._Runner())
    with pytest.raises(ConfigurationError, match=r"patch_all\(thread=False\)"):
        MonoCloudClient("https://acme.us.monocloud.com", KEY).users.get("u")


@posix
def test_an_interrupt_ends_the_call_before_it_is_raised() -> None:
    with served(silence, answer()) as wire, MonoCloudClient(wire.url, KEY) as client:

        def interrupt() -> None:
            asyncio.run(wait_for(wire))
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            client.phones.set_primary("u", "p")
        thread.join()

        async def others() -> int:
            return len(asyncio.all_tasks()) - 1

        assert _blocking.run(others()) == 0
        assert client.users.get("u").user_id


async def wait_for(wire: Wire) -> None:
    while not wire.requests:  # noqa: ASYNC110  the server's events are of another loop
        await asyncio.sleep(0.005)


# Whole programs


def program(
    source: str, wire: Wire, *arguments: str, **kwargs: Any
) -> subprocess.CompletedProcess[str]:
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("PYTHON")},
        "MONOCLOUD_MANAGEMENT_DOMAIN": wire.url,
        "MONOCLOUD_MANAGEMENT_API_KEY": KEY,
        "PYTHONPATH": str(ROOT),
    }
    # Python 3.12 warns of every fork of a process with threads; that is the caller's to know.
    flags = ["-u", "-X", "dev", "-W", "error", "-W", "ignore:This process:DeprecationWarning"]
    return subprocess.run(
        [sys.executable, *flags, "-c", textwrap.dedent(source), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        **kwargs,
    )


def says(source: str, expected: str, *steps: Any) -> None:
    """Run a program, and expect these lines, nothing on stderr, and a clean end."""
    with served(*(steps or (answer(),))) as wire:
        done = program(source, wire)
    # In development mode asyncio tells of callbacks that a busy machine made slow.
    noise = [line for line in done.stderr.splitlines() if not line.startswith("Executing <")]
    assert (done.returncode, done.stdout.split(), noise) == (0, expected.split(), [])


PRELUDE = """
    import os, sys, threading
    from monocloud_sync import MonoCloudClient
    client = MonoCloudClient()
    def call(): return client.phones.set_primary("u", "p").user_id[:2]
"""


@pytest.mark.parametrize(
    "ending",
    [
        "",
        "client.close()",
        "del client",
        "import atexit; atexit.register(lambda: print(call()))",
        "threading.Thread(target=lambda: print(call())).start()",
        "sys.exit(0)",
    ],
)
def test_a_program_ends_in_silence_closed_or_not(ending: str) -> None:
    says(f"{PRELUDE}\n    print(call())\n    {ending}\n", "UO UO" if "print(" in ending else "UO")


def test_a_program_ends_while_a_call_hangs() -> None:
    with served(silence) as wire:
        source = f"""{PRELUDE}
    threading.Thread(target=call, daemon=True).start()
    sys.stdin.readline()
    """
        done = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(source)],
            env={
                **os.environ,
                "MONOCLOUD_MANAGEMENT_DOMAIN": wire.url,
                "MONOCLOUD_MANAGEMENT_API_KEY": KEY,
                "PYTHONPATH": str(ROOT),
            },
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        asyncio.run(wait_for(wire))
        _, stderr = done.communicate("\n", timeout=10)
        assert (done.returncode, stderr) == (0, "")


def test_a_call_after_the_end_is_refused_and_not_waited_for() -> None:
    says(
        f"""
    import atexit
    @atexit.register
    def late():
        try: call()
        except Exception as error: print(type(error).__name__)
    {PRELUDE}
    print(call())
    """,
        "UO ConfigurationError",
    )


@posix
@pytest.mark.parametrize("first", ["", "print(call())"])
def test_a_fork_before_and_after_the_first_call(first: str) -> None:
    says(
        f"""{PRELUDE}
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


@posix
def test_a_fork_that_only_exits_does_not_freeze_its_parent() -> None:
    says(
        f"""{PRELUDE}
    print(call())
    for _ in range(3):
        pid = os.fork()
        if pid == 0:
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        print(call())
    """,
        "UO UO UO UO",
    )


@posix
def test_a_fork_from_a_thread_while_others_call() -> None:
    says(
        f"""{PRELUDE}
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


@posix
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(method: str, tmp_path: Path) -> None:
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
            env={
                **os.environ,
                "MONOCLOUD_MANAGEMENT_DOMAIN": wire.url,
                "MONOCLOUD_MANAGEMENT_API_KEY": KEY,
                "PYTHONPATH": str(ROOT),
                "PYTHONWARNINGS": "ignore::DeprecationWarning",
            },
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
        )
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["UO"] * 6, "")


@posix
def test_an_async_client_after_a_fork() -> None:
    says(
        """
    import asyncio, os, sys
    from monocloud_async import MonoCloudClient
    client = MonoCloudClient()
    async def call(): print((await client.users.get("u")).user_id[:2], flush=True)
    asyncio.run(call())
    pid = os.fork()
    if pid == 0:
        asyncio.run(call())
        sys.exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    asyncio.run(call())
    """,
        "UO UO UO",
    )


def test_importing_starts_nothing() -> None:
    says(
        """
    import sys, threading
    import monocloud_sync
    client = monocloud_sync.MonoCloudClient()
    print(threading.active_count(), monocloud_sync._blocking._runner._loop)
    heavy = {"typer", "rich", "sqlite3", "aiohttp.web", "pytest"}
    heavy |= {"monocloud_async.cli", "monocloud_async.emulator"}
    print(*sorted(heavy & set(sys.modules)))
    """,
        "1 None",
    )


def test_a_record_travels_to_another_process() -> None:
    with served(answer(200, {"user_id": "u", "new": [1]})) as wire:
        user = MonoCloudClient(wire.url, KEY).users.get("u")
        import base64
        import pickle

        data = base64.b64encode(pickle.dumps(user)).decode()
        done = program(
            """
            import base64, json, pickle, sys
            user = pickle.loads(base64.b64decode(sys.argv[1]))
            print(json.dumps(user.to_dict()), user.response.status)
            """,
            wire,
            data,
        )
    assert done.stdout.strip() == json.dumps({"user_id": "u", "new": [1]}) + " 200"
