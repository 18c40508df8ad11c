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
    """Use one worker more than cores: many tests wait for retries and for other processes."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the slow tests first, so that no worker is left alone with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the seed that repeats this order, even in a quiet run."""
    seed = terminalreporter.config.getoption("randomly_seed", None)
    if seed is not None:
        terminalreporter.write_line(f"order of the tests: --randomly-seed={seed}")


def pytest_collection_finish() -> None:
    """Freeze imported objects, so that the many tests that collect garbage do not scan them."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _sigint_restored() -> None:
    """Restore Ctrl-C, in child processes too: a shell's background jobs ignore SIGINT."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def _fork_servers_closed() -> Iterator[None]:
    yield
    fork_server.close_all()


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("MONOCLOUD_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """A server that responds to every request with success."""
    async with Wire(answer(200, PAGE)) as server:
        yield server


@pytest.fixture
async def client(wire: Wire) -> AsyncIterator[MonoCloudClient]:
    async with MonoCloudClient(wire.url, "key") as client:
        yield client


@pytest.fixture
def emulator(running: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """The module's emulator, reset; the environment variables point to it."""
    running.reset()
    monkeypatch.setenv(DOMAIN, running.url)
    monkeypatch.setenv(API_KEY, KEY)
    return running


@pytest.fixture
def unused_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
