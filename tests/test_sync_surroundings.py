"""The blocking client where test tools freeze the time or block sockets, and in notebooks."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
import threading
import time
import warnings
from types import ModuleType, SimpleNamespace

import pytest

import monocloud_sync
from monocloud_async import RetryPolicy
from monocloud_sync import MonoCloudClient, _blocking, _loop

from .wire import answer, problem, served

KEY = "key"


@pytest.mark.parametrize("name", ["time", "monotonic", "perf_counter"])
def test_frozen_time_does_not_delay_a_call(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = RetryPolicy(base_delay=0.01)
    with served(problem(503), answer()) as wire:
        with MonoCloudClient(wire.url, KEY, retry=policy) as client:
            monkeypatch.setattr(time, name, lambda: 1.0)
            assert client.users.get("u").user_id
    assert len(wire.requests) == 2


class BlockedError(RuntimeError):
    pass


def refuse(*_: object, **__: object) -> None:
    raise BlockedError("sockets are blocked")


class GuardedSocket(socket.socket):
    """A socket that cannot be created, like that of pytest-socket."""

    def __new__(cls, *_: object) -> GuardedSocket:
        raise BlockedError("sockets are blocked")


@pytest.mark.parametrize(("name", "blocked"), [("socketpair", refuse), ("socket", GuardedSocket)])
def test_blocked_sockets_leave_nothing_half_made(
    name: str, blocked: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_blocking, "_runner", _blocking._Runner())
    monkeypatch.setattr(socket, name, blocked)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(BlockedError):
            MonoCloudClient("acme.us.monocloud.com", KEY).users.get("u")
        with pytest.raises(BlockedError):
            _loop.new_loop()
        gc.collect()
    assert "monocloud" not in {
        thread.name for thread in threading.enumerate() if thread.daemon
    } or (_blocking._runner._thread is None)


async def test_a_blocking_call_on_a_running_loop_s_thread_warns_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_blocking, "_warned", False)
    # ipykernel is imported, but it does not run this loop.
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    with served(answer()) as wire, MonoCloudClient(wire.url, KEY) as client:
        with pytest.warns(RuntimeWarning, match=r"monocloud_async\.MonoCloudClient") as seen:
            client.users.get("u")
        client.users.get("u")
        # The warning names the caller's line, which is the one to change.
        assert [one.filename for one in seen] == [__file__]
        await asyncio.to_thread(client.users.get, "u")


async def test_a_blocking_call_in_a_notebook_does_not_warn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_blocking, "_warned", False)
    shell = ModuleType("IPython")
    shell.get_ipython = lambda: SimpleNamespace(kernel=object())  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", shell)
    with served(answer()) as wire, monocloud_sync.MonoCloudClient(wire.url, KEY) as client:
        client.users.get("u")
