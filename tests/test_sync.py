"""The blocking facade has the names of the async package and works in threads and running loops."""

from __future__ import annotations

import asyncio
import base64
import contextvars
import gc
import inspect
import itertools
import json
import pickle
import ssl
import sys
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

import monocloud_async
import monocloud_async.resources
import monocloud_sync
import monocloud_sync.resources
from monocloud_async import (
    ConfigurationError,
    MonoCloudError,
    NotFoundError,
    RequestTimeoutError,
    RetryPolicy,
)
from monocloud_async._http import session as http_session
from monocloud_sync import MonoCloudClient, _blocking
from monocloud_sync._iterating import RowFeed

from .programs import (
    KEY,
    PRELUDE,
    posix,
    program,
    says,
    started,
    until,
)
from .wire import PAGE, answer, problem, served, silence

dying = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")

# Parity with the async package


def methods(kind: type) -> dict[str, Any]:
    found = {name: f for one in kind.__mro__[::-1] for name, f in vars(one).items()}
    return {name: f for name, f in found.items() if callable(f) and name[0] != "_"}


@pytest.mark.parametrize("name", monocloud_async.resources.__all__)
def test_each_async_method_has_a_blocking_twin(name: str) -> None:
    async_methods = methods(getattr(monocloud_async.resources, name))
    sync_methods = methods(getattr(monocloud_sync.resources, name))
    assert async_methods.keys() == sync_methods.keys()
    for method in async_methods:
        assert inspect.signature(async_methods[method]) == inspect.signature(sync_methods[method])
        assert inspect.getdoc(async_methods[method]) == inspect.getdoc(sync_methods[method])
        returned = inspect.signature(async_methods[method]).return_annotation
        iterates = returned.startswith(("AsyncGenerator", "Export", "Pages"))
        assert inspect.iscoroutinefunction(async_methods[method]) is not iterates
        assert not inspect.iscoroutinefunction(sync_methods[method])


def test_the_client_mirrors_the_async_client() -> None:
    expected = dict(inspect.signature(monocloud_async.MonoCloudClient).parameters)
    # A session belongs to the loop that it was made on, and the facade's loop is private.
    del expected["session"]
    assert list(expected.values()) == list(inspect.signature(MonoCloudClient).parameters.values())
    assert methods(monocloud_async.MonoCloudClient).keys() - {"aclose"} == methods(
        MonoCloudClient
    ).keys() - {"close"}
    assert vars(monocloud_async.MonoCloudClient).keys() >= {"__aenter__", "__aexit__"}


def test_both_packages_export_the_same_names() -> None:
    assert monocloud_async.__all__ == monocloud_sync.__all__
    for name in monocloud_async.__all__:
        if name not in ("Export", "MonoCloudClient", "Pages"):
            assert getattr(monocloud_async, name) is getattr(monocloud_sync, name)


# Calls


def test_calls_return_records_and_raise_errors() -> None:
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


def test_a_call_that_times_out_raises_a_request_timeout() -> None:
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


@pytest.mark.filterwarnings("ignore:a blocking call:RuntimeWarning")
async def test_blocking_calls_work_while_a_loop_runs() -> None:
    with served(answer()) as wire, MonoCloudClient(wire.url, KEY) as client:
        assert client.users.get("u").to_dict() == PAGE
        assert (await asyncio.to_thread(client.users.get, "u")).to_dict() == PAGE


def test_a_call_on_the_private_loop_s_own_thread_is_refused() -> None:
    client = MonoCloudClient("https://acme.us.monocloud.com", KEY)

    async def inside() -> None:
        client.users.get("u")

    with pytest.raises(ConfigurationError, match="wait for itself forever; nothing was sent"):
        _blocking.run(inside)


def test_the_caller_s_context_reaches_the_call() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("here")

    async def inside() -> str:
        return variable.get()

    assert _blocking.run(inside) == "here"


@pytest.mark.parametrize("patched", ["threading", "select"])
def test_gevent_gets_a_clear_error(monkeypatch: pytest.MonkeyPatch, patched: str) -> None:
    monkey = SimpleNamespace(is_module_patched=lambda name: name == patched)
    monkeypatch.setitem(sys.modules, "gevent.monkey", monkey)  # type: ignore[arg-type]
    monkeypatch.setattr(_blocking, "_runner", _blocking._Runner())
    with pytest.raises(ConfigurationError, match=r"patch_all\(thread=False, select=False\)"):
        MonoCloudClient("https://acme.us.monocloud.com", KEY).users.get("u")


def test_eventlet_gets_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    patcher = SimpleNamespace(is_monkey_patched=lambda name: name == "thread")
    monkeypatch.setitem(sys.modules, "eventlet.patcher", patcher)  # type: ignore[arg-type]
    monkeypatch.setattr(_blocking, "_runner", _blocking._Runner())
    with pytest.raises(ConfigurationError, match=r"monkey_patch\(thread=False\)"):
        MonoCloudClient("https://acme.us.monocloud.com", KEY).users.get("u")


@dying
def test_a_loop_that_dies_ends_its_calls_and_is_replaced() -> None:
    def die() -> None:
        raise SystemExit

    with served(silence, answer()) as wire, MonoCloudClient(wire.url, KEY) as client:
        with ThreadPoolExecutor(1) as thread:
            waiting = thread.submit(client.users.get, "u")
            until(lambda: wire.requests)
            loop = _blocking._runner._loop
            dead = _blocking._runner._thread
            assert loop
            assert dead
            loop.call_soon_threadsafe(die)
            with pytest.raises(MonoCloudError, match="it is unknown whether"):
                waiting.result()
        # pytest reports the dead thread only after it has ended.
        dead.join()
        assert client.users.get("u").user_id


# Whole programs


def test_importing_starts_nothing() -> None:
    says(
        """
        import monocloud_sync
        client = monocloud_sync.MonoCloudClient()
        print(threading.active_count(), monocloud_sync._blocking._runner._loop)
        heavy = {"typer", "rich", "sqlite3", "aiohttp.web", "pytest"}
        heavy |= {"monocloud_async.cli", "monocloud_async.emulator"}
        print(*sorted(heavy & set(sys.modules)))
        """,
        "1 None",
        fresh=True,
    )


@pytest.mark.parametrize(
    "use",
    [
        "with client: pass",
        "client.close(); client.close()",
        "with client.with_options(timeout=1): pass",
    ],
)
def test_a_client_that_never_calls_starts_nothing(use: str) -> None:
    wire = says(
        f"""
        from monocloud_sync import _blocking
        {use}
        print(threading.active_count(), _blocking._runner._loop)
        client.close()
        try: call()
        except Exception as error: print(type(error).__name__, "closed" in str(error))
        """,
        "1 None ConfigurationError True",
    )
    assert wire.connections == 0


@posix
def test_closing_a_client_in_a_forked_child_starts_nothing() -> None:
    wire = says(
        """
        from monocloud_sync import _blocking
        print(call(), flush=True)
        pid = os.fork()
        if pid == 0:
            client.close()
            print(threading.active_count(), _blocking._runner._loop, flush=True)
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        print(call())
        """,
        "UO 1 None UO",
    )
    assert wire.connections == 1


def test_a_client_can_be_closed_while_another_thread_connects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opening, closed = threading.Event(), threading.Event()

    def trust() -> Any:
        opening.set()
        assert closed.wait(10)
        return ssl.create_default_context()

    monkeypatch.setattr(http_session, "_system_trust", trust)
    client = MonoCloudClient("https://localhost:9", KEY)
    with ThreadPoolExecutor(1) as thread:
        call = thread.submit(client.users.get, "u")
        assert opening.wait(10)
        client.close()
        closed.set()
        with pytest.raises(ConfigurationError, match="closed"):
            call.result()
    assert client._async._caller.sessions._pools == {}


def test_a_loop_that_fails_to_wind_up_still_ends_its_calls() -> None:
    source = """
    from monocloud_sync import _blocking, _loop
    async def fail(): raise SystemExit
    _loop._wind_up = fail
    def end():
        sys.stdin.readline()
        loop = _blocking._runner._loop
        loop.call_soon_threadsafe(loop.stop)
    threading.Thread(target=end).start()
    try: call()
    except Exception as error: print("raised", type(error).__name__)
    print("then", call())
    """
    with served(silence, answer()) as wire:
        with started(source, PRELUDE, wire.url) as running:
            until(lambda: wire.requests)
            running.go()
            assert running.line("raised") == "MonoCloudError"
            assert running.line("then") == "UO"


def test_a_record_can_be_pickled_to_another_process() -> None:
    with served(answer(200, {"user_id": "u", "new": [1]})) as wire:
        user = MonoCloudClient(wire.url, KEY).users.get("u")
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


# Many rows


def test_rows_are_read_and_outcomes_are_returned_on_the_iterating_thread() -> None:
    readers = set()

    def rows() -> Any:
        for n in range(1_000):
            readers.add(threading.current_thread())
            yield f"u{n}", "p"

    with served(answer()) as wire, MonoCloudClient(wire.url, KEY) as client:
        found = list(client.phones.set_primary_many(rows()))
        assert sorted(one.index for one in found) == list(range(1_000))
        assert all(one.user and one.error is None for one in found)
        assert len(wire.requests) == 1_000
        assert readers == {threading.current_thread()}


def test_leaving_the_loop_closes_the_rows() -> None:
    closed = False

    def rows() -> Iterator[tuple[str, str]]:
        nonlocal closed
        try:
            yield from ((f"u{n}", "p") for n in range(100_000))
        finally:
            closed = True

    gc.collect()
    gc.disable()
    try:
        with served(answer()) as wire, MonoCloudClient(wire.url, KEY) as client:
            for _ in client.phones.set_primary_many(rows()):
                break
            assert closed
    finally:
        gc.enable()


@pytest.mark.parametrize("how", ["break", "close"])
def test_leaving_the_loop_stops_the_run(how: str) -> None:
    read = itertools.count()
    with served(answer()) as wire, MonoCloudClient(wire.url, KEY) as client:
        run = client.phones.set_primary_many((f"u{next(read)}", "p") for _ in range(100_000))
        next(run)
        if how == "close":
            run.close()
        else:
            del run
        # No worker is left that could send. Earlier requests may still reach the server after the
        # GET, because they use other connections, which the server reads in any order.
        assert _blocking.run(workers) == 0
        rows = next(read)
        sent = len(wire.requests)
        assert sent < 1_000
        client.users.get("u")
        assert len(wire.requests) <= sent + 1 + 32
        assert [request.method for request in wire.requests].count("GET") == 1
        assert (_blocking.run(workers), next(read)) == (0, rows + 1)


async def workers() -> int:
    """Return how many workers of runs exist on the private loop."""
    return sum("Run._work" in repr(task.get_coro()) for task in asyncio.all_tasks())


def test_an_error_raised_by_the_rows_comes_after_the_outcomes() -> None:
    def rows() -> Any:
        yield "u", "p"
        raise LookupError("no more")

    found = []
    with served(answer()) as wire, MonoCloudClient(wire.url, KEY) as client:
        run = client.phones.set_primary_many(rows())
        found.append(next(run))
        with pytest.raises(LookupError, match="no more"):
            next(run)
    assert [one.error for one in found] == [None]
    with pytest.raises(ValueError, match="rows must be"):
        client.phones.set_primary_many("rows")  # type: ignore[arg-type]


async def test_rows_read_just_before_the_end_are_not_lost() -> None:
    feed = RowFeed()
    feed.instead_of(iter([1, 2]))

    class Meanwhile(deque[object]):
        """A deque whose remaining rows the other thread reads right after it looked empty."""

        def __bool__(self) -> bool:
            found = len(self) > 0
            feed.read()
            return found

    feed._rows = Meanwhile()
    feed.on_starved = lambda: asyncio.get_running_loop().call_soon(feed.go_on)
    assert [row async for row in feed] == [1, 2]
