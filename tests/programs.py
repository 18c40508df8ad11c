"""Programs, each in its own process, in development mode, with warnings as errors.

Most are forked by a server that has already imported the SDK (see fork_server.py). Programs that
test imports, or how an interpreter starts and ends, run in a new interpreter: `fresh=True`.
"""

from __future__ import annotations

import contextlib
import functools
import os
import queue
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from .fork_server import Forked, server
from .wire import Wire, answer, served

ROOT = Path(__file__).parents[1]
KEY = "canary-6d1f3c"
SECONDS = 40.0
posix = pytest.mark.skipif(os.name != "posix", reason="needs signals and forks")

# Programs start with one of these: a client, and a call that returns UO.
PRELUDE = """
import os, sys, threading
from monocloud_sync import MonoCloudClient
client = MonoCloudClient()
def call(): return client.phones.set_primary("u", "p").user_id[:2]
"""
ASYNC_PRELUDE = """
import asyncio, os, sys
from monocloud_async import MonoCloudClient
client = MonoCloudClient()
async def call(): return (await client.phones.set_primary("u", "p")).user_id[:2]
"""


def environment(url: str) -> dict[str, str]:
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith("PYTHON")},
        "MONOCLOUD_MANAGEMENT_DOMAIN": url,
        "MONOCLOUD_MANAGEMENT_API_KEY": KEY,
        "PYTHONPATH": str(ROOT),
    }


# Python 3.12 warns about every fork of a process with threads; the caller should see that warning.
FLAGS = ("-u", "-X", "dev", "-W", "error", "-W", "ignore:This process:DeprecationWarning")


def forked(source: str, arguments: Sequence[str] = (), **kwargs: Any) -> Forked:
    """Start a program without waiting for an interpreter and its imports."""
    modules = ("monocloud_async", "monocloud_sync", "monocloud_sync.emulator")
    return Forked(server(FLAGS, modules), source, arguments, **kwargs)


def program(
    source: str,
    wire: Wire,
    *arguments: str,
    prelude: str = "",
    url: str = "",
    fresh: bool = False,
) -> subprocess.CompletedProcess[str]:
    source = prelude + textwrap.dedent(source)
    env = environment(url or wire.url)
    if fresh:
        command = [sys.executable, *FLAGS, "-c", source, *arguments]
        return subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    with forked(source, arguments, env=env, start_new_session=True) as process:
        try:
            out, err = process.communicate(SECONDS)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(arguments, process.wait(), out, err)


def noise(stderr: str) -> list[str]:
    """Return the lines on stderr, except what asyncio logs on a busy machine."""
    return [line for line in stderr.splitlines() if not line.startswith("Executing <")]


def says(
    source: str,
    expected: str,
    *steps: Any,
    prelude: str = PRELUDE,
    host: str = "127.0.0.1",
    fresh: bool = False,
) -> Wire:
    """Run a program; expect this output, nothing on stderr, and a clean exit."""
    with served(*(steps or (answer(),))) as wire:
        url = f"http://{host}:{wire.port}"
        done = program(source, wire, prelude=prelude, url=url, fresh=fresh)
    outcome = done.returncode, done.stdout.split(), noise(done.stderr)
    assert outcome == (0, expected.split(), []), f"{done.stdout}\n{done.stderr}"
    return wire


_spawned = functools.partial(subprocess.Popen, text=True)


class Running:
    """A program that runs beside the test, with its output read line by line; it is killed on exit.

    Its process id is also its group's id, so that no child outlives the test.
    """

    def __init__(
        self,
        what: Any,
        env: dict[str, str],
        cwd: Path | None = None,
        start: Callable[..., Any] = _spawned,
    ) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  closed in __exit__
        self._process = start(
            what,
            env=env,
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            start_new_session=True,
        )
        self.pid = self._process.pid
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join()
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._stderr.close()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    @property
    def stderr(self) -> str:
        # A seek would move the program's own position in the file.
        return os.pread(self._stderr.fileno(), 100_000, 0).decode()

    def line(self, beginning: str, seconds: float = SECONDS) -> str:
        """Wait for a line that starts with `beginning`, and return the rest of it."""
        deadline = time.monotonic() + seconds
        with contextlib.suppress(queue.Empty):
            while (
                line := self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            ) is not None:
                if line.startswith(beginning):
                    return line[len(beginning) :].strip()
        pytest.fail(f"no line started with {beginning!r}:\n{self.stderr}")

    def rest(self) -> str:
        """Wait for its end, and return the lines that nobody has waited for."""
        self._reader.join()
        lines = list(iter(self._lines.get, None))
        return "\n".join(lines)

    def go(self) -> None:
        """Send it the line that it waits for."""
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self, seconds: float = SECONDS) -> int:
        """Wait for it to end, and return its exit status."""
        return self._process.wait(seconds)


def started(source: str, prelude: str, url: str) -> Running:
    """Start a program beside the test."""
    return Running(prelude + textwrap.dedent(source), environment(url), start=forked)


def until(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """Wait for a condition that a loop in another thread or another program makes true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition was never true"
        time.sleep(0.002)
