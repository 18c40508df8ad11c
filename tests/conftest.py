from __future__ import annotations

import gc
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from monocloud_async import MonoCloudClient, RetryPolicy
from monocloud_sync.emulator import Emulator

from . import fork_server
from .wire import PAGE, Wire, answer

FAST = RetryPolicy(base_delay=0.0)
KEY = "emulator-key"
DOMAIN = "MONOCLOUD_MANAGEMENT_DOMAIN"
API_KEY = "MONOCLOUD_MANAGEMENT_API_KEY"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Have one worker more than cores: many tests wait, for retries and for other processes."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow ones, so that none is left for the end, when one worker has no other."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how to have the same order again, in a quiet run too."""
    seed = terminalreporter.config.getoption("randomly_seed", None)
    if seed is not None:
        terminalreporter.write_line(f"order of the tests: --randomly-seed={seed}")


def pytest_collection_finish() -> None:
    """Keep the collector from what was imported: many tests have it look at everything."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _deaf_no_more() -> None:
    """Hear Ctrl-C, in the children too: what a shell runs in its background is deaf to it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def _end_of_servers() -> Iterator[None]:
    yield
    fork_server.close_all()


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("MONOCLOUD_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """A server that always says yes."""
    async with Wire(answer(200, PAGE)) as server:
        yield server


@pytest.fixture
async def client(wire: Wire) -> AsyncIterator[MonoCloudClient]:
    async with MonoCloudClient(wire.url, "key") as client:
        yield client


@pytest.fixture
def emulator(running: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """The module's emulator, fresh, and the environment speaks of it."""
    running.reset()
    monkeypatch.setenv(DOMAIN, running.url)
    monkeypatch.setenv(API_KEY, KEY)
    return running


@pytest.fixture
def unused_port() -> int:
    """A loopback port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
