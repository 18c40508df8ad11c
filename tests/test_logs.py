"""`enable_logging`, tested in separate programs because pytest sets up logging itself."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

import monocloud_sync
from monocloud_async import ConfigurationError, MonoCloudClient, enable_logging
from monocloud_async.emulator import USER_ID

from .conftest import FAST, KEY
from .wire import Wire, answer

PROGRAM = """
import logging, os
from monocloud_async import enable_logging
from monocloud_async.emulator import PHONE_ID, USER_ID, Fault
from monocloud_sync import MonoCloudClient
from monocloud_sync.emulator import Emulator
{setup}
with Emulator(api_key="{key}", faults=[Fault(status=503, times=1)]) as emulator:
    with MonoCloudClient(emulator.url, "{key}") as client:
        client.phones.set_primary(USER_ID, PHONE_ID)
"""


def lines(setup: str) -> list[str]:
    """Run a program whose call is retried once; return what it writes to standard error."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(setup=setup, key=KEY)],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert USER_ID not in done.stderr
    assert KEY not in done.stderr
    return done.stderr.splitlines()


def test_nothing_is_logged_by_default_or_at_warning() -> None:
    assert lines("") == []
    assert lines("enable_logging('warning')") == []


@pytest.mark.parametrize("setup", ["enable_logging()", "os.environ['MONOCLOUD_LOG'] = 'debug'"])
def test_debug_shows_attempts_and_retries(setup: str) -> None:
    first, retry, second = lines(setup)
    assert "DEBUG monocloud: phones.set_primary attempt 1: 503 in " in first
    assert "INFO monocloud.retry: phones.set_primary attempt 1 failed, retrying in " in retry
    assert retry.endswith(" s: status 503")
    assert "DEBUG monocloud: phones.set_primary attempt 2: 200 in " in second


@pytest.mark.parametrize(
    "setup", ["enable_logging('INFO')", "os.environ['MONOCLOUD_LOG'] = 'info'"]
)
def test_info_shows_only_retries(setup: str) -> None:
    assert ["INFO monocloud.retry" in line for line in lines(setup)] == [True]


def test_enabling_logging_twice_logs_each_line_once() -> None:
    assert len(lines("enable_logging(); enable_logging()")) == 3


def test_the_program_s_own_logging_gets_each_line_once() -> None:
    written = lines("logging.basicConfig(format='mine %(message)s'); enable_logging()")
    ours = [line for line in written if "phones.set_primary" in line]
    assert len(ours) == 3
    assert all(line.startswith("mine ") for line in ours)


def test_logging_that_the_program_sets_up_later_gets_the_lines_once_too() -> None:
    written = lines("enable_logging(); logging.basicConfig(format='mine %(message)s')")
    ours = [line for line in written if "phones.set_primary" in line]
    assert len(ours) == 3
    assert all(line.startswith("mine ") for line in ours)


def test_lines_go_to_the_current_standard_error() -> None:
    setup = (
        "import io, sys; was = sys.stderr; sys.stderr = io.StringIO(); enable_logging(); "
        "sys.stderr.close(); sys.stderr = was"
    )
    written = lines(setup)
    assert len(written) == 3
    assert "DEBUG monocloud: phones.set_primary attempt 1: 503 in " in written[0]


def test_threads_that_turn_it_on_at_once_get_each_line_once() -> None:
    setup = """
import sys, threading
sys.setswitchinterval(1e-6)
for _ in range(50):
    together = threading.Barrier(8)
    threads = [
        threading.Thread(target=lambda: (together.wait(), enable_logging())) for _ in range(8)
    ]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
"""
    assert len(lines(setup)) == 3


@pytest.mark.parametrize("level", ["loud", "", 10, None])
def test_an_unknown_level_is_refused(level: object) -> None:
    with pytest.raises(ConfigurationError, match="level must be one of debug, info"):
        enable_logging(level)  # type: ignore[arg-type]


def test_an_unknown_level_in_the_environment_names_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MONOCLOUD_LOG", "loud")
    for client in (MonoCloudClient, monocloud_sync.MonoCloudClient):
        with pytest.raises(ConfigurationError, match="MONOCLOUD_LOG must be one of debug, info"):
            client("acme.com", "key")


async def test_a_trace_id_that_echoes_the_key_is_masked(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with Wire(answer(X_Request_Id="key=canary-1")) as wire:
        async with MonoCloudClient(wire.url, "canary-1", retry=FAST) as client:
            await client.users.get("u")
    assert "canary-1" not in caplog.text
    assert "key=***" in caplog.text
