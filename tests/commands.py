"""The `monocloud` command, in its own process.

Most processes are forked by a server that has already imported the command (see fork_server.py).
COMMAND is for tests that depend on how an interpreter starts: closed standard streams, or an
encoding from the environment.
"""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .fork_server import ROOT, Forked, server

FLAGS = ("-W", "always::ResourceWarning")
COMMAND = (sys.executable, *FLAGS, "-m", "monocloud_async.cli")
SECONDS = 40.0
_SOURCE = "from monocloud_async.cli import main; main()"
_MODULES = (
    *(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted(ROOT.glob("monocloud_async/cli/**/*.py"))
        # Dask is slow to import, and few tests need it.
        if path.stem not in ("__init__", "__main__") and "cluster" not in path.parts
    ),
    "monocloud_sync.emulator",
    # Typer imports these with its first command; `_adapters` imports pydantic.
    "typer._adapters?",
    "typer._click.decorators?",
)


def environment(**more: str) -> dict[str, str]:
    # Color settings of the terminal that runs the tests must not reach the command.
    dropped = {"COLUMNS", "FORCE_COLOR", "NO_COLOR", "TERM"}
    return {**{k: v for k, v in os.environ.items() if k not in dropped}, **more}


def forked(
    *args: str | Path, before: str = "", env: Mapping[str, str] | None = None, **streams: Any
) -> Forked:
    """Start the command; `before` is code that its process runs first."""
    source = f"{before}\n{_SOURCE}"
    return Forked(
        server(FLAGS, _MODULES),
        source,
        list(map(str, args)),
        env=environment(**env or {}),
        **streams,
    )


@contextmanager
def started(*args: str | Path, before: str = "", **env: str) -> Iterator[Forked]:
    """Start the command, and kill it on exit."""
    with forked(*args, before=before, env=env) as process:
        try:
            yield process
        finally:
            process.kill()


def run(
    *args: str | Path,
    before: str = "",
    env: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
    **streams: Any,
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    with forked(*args, before=before, env=env, **streams) as process:
        try:
            out, err = process.communicate(seconds)
        finally:
            process.kill()
    return subprocess.CompletedProcess(args, process.wait(), out, err)


def without(closed: str, *args: str) -> subprocess.CompletedProcess[str]:
    """Run the command with some of its standard streams closed."""
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", *COMMAND, *args]
    return subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True)


def on_a_terminal(*args: str, columns: int, **env: str) -> tuple[str, int]:
    """Run the command with a terminal as its stdout; return the screen and the exit code."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 0, 0))
    with forked(*args, env=env, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        screen = b""
        try:
            while more := os.read(ours, 4096):
                screen += more
        except OSError:  # how Linux reports that the other end is closed
            pass
        os.close(ours)
    return screen.decode(), process.wait()


def read_until(process: Forked, text: str) -> str:
    """Return the command's output up to the first line that contains a text."""
    printed = ""
    assert process.stdout
    while text not in printed:
        line = process.stdout.readline()
        assert line, printed
        printed += line
    return printed
