"""Follows a tutorial as a newcomer does: in an empty folder, block by block.

The reader saves each program under its title, types each command literally, and compares what it
sees with the block of text that follows. What a page shows as `…` may be anything, and so may be
what differs from run to run, by patterns that the test gives.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template
from types import TracebackType
from typing import Any

import pytest

from .documents import Block, all_blocks
from .programs import SECONDS, Running, environment

_EXPORT = re.compile(r"^export (\w+)=(\S+)$", re.MULTILINE)
# Not the reader's settings, and no plugin that would print more than what the page shows.
_ENVIRONMENT = {
    "COLUMNS": "80",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTHONUNBUFFERED": "1",
}
_MODULES = {"monocloud": "monocloud_async.cli", "pytest": "pytest", "uvicorn": "uvicorn"}
# The commands that go on until they are stopped, how they say where they listen, and the address
# that the pages have for it.
_SERVERS = {
    "monocloud emulator": ("Emulator running at ", "127.0.0.1:8080"),
    "uvicorn app:app": ("INFO:     Uvicorn running on ", "127.0.0.1:8000"),
}
# Until the emulator has been asked so often again: what a reader sleeps for.
_UNTIL_ASKED = r"""
asked() {
    curl -s "$MONOCLOUD_MANAGEMENT_DOMAIN/_emulator" | sed 's/.*"requests": \([0-9]*\),.*/\1/'
}
until_asked() {
    local before=$(asked)
    for _ in {1..4000}; do
        [ "$(asked)" -ge $((before + $1)) ] && return
    done
    kill %1
    exit 1
}
"""


class Reader:
    """A newcomer with an empty folder.

    Args:
        folder: the folder; it gets a subfolder for the commands.
        changes: what to type instead of parts of the page, such as a faster rate.
        varies: patterns of what differs from run to run.

    Attributes:
        home: where the files are saved.
        servers: the address of each server, by the address on the page.
        running: the servers that run, by their command.
    """

    def __init__(
        self, folder: Path, changes: Mapping[str, str] | None = None, varies: Iterable[str] = ()
    ) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.servers: dict[str, str] = {}
        self._changes = dict(changes or {})
        self._varies = re.compile("|".join((*varies, "…")))
        self._bin = folder / "bin"
        self._seen: list[str] = []
        self._server: Running | None = None
        self.running: dict[str, Running] = {}
        self._stack = contextlib.ExitStack()
        self._env = {k: v for k, v in environment("").items() if not k.startswith("MONOCLOUD_")}
        self._env |= {**_ENVIRONMENT, "PATH": f"{self._bin}:{os.environ['PATH']}"}
        self._install()

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def follow(self, page: Path, *, after: str = "", until: str = "") -> None:
        """Do what a page says.

        Args:
            page: the page.
            after: text of a heading to begin at; empty for the top.
            until: text of a heading to end before; empty for the bottom.
        """
        lines = page.read_text(encoding="utf-8").splitlines()
        first = lines.index(after) if after else 0
        last = lines.index(until) if until else len(lines)
        for block in all_blocks(page):
            if first < block.line <= last:
                self._do(block)

    def ask(self, address: str, body: bytes | None = None) -> Any:
        """Return the JSON at an address of the page, which gets the body if there is one."""
        with urllib.request.urlopen(self._actual(address), body, SECONDS) as response:
            return json.load(response)

    def _install(self) -> None:
        self._bin.mkdir()
        for name in ("python", *_MODULES):
            module = f" -m {_MODULES[name]}" if name in _MODULES else ""
            command = self._bin / name
            command.write_text(f'#!/bin/sh\nexec "{sys.executable}"{module} "$@"\n')
            command.chmod(0o755)

    def _do(self, block: Block) -> None:
        if block.language == "python" and block.file:
            self._save(block.file, self._actual(block.code))
        elif block.language == "text" and block.file:
            command = next(name for name in _SERVERS if name.split()[0] in block.file)
            for line in block.code.splitlines():
                self.look_for(command, line, f"{block.page.name}:{block.line}")
        elif block.language == "text" and block.is_run:
            self._compare(block)
        elif block.language == "sh" and block.is_run:
            self.type(block.code)

    def _save(self, title: str, code: str) -> None:
        name = title.removesuffix(", at the end")
        path = self.home / name
        before = f"{path.read_text()}\n\n" if title != name else ""
        path.write_text(before + code, encoding="utf-8")

    def _actual(self, text: str) -> str:
        for shown, meant in (*self._changes.items(), *self.servers.items()):
            text = text.replace(shown, meant)
        return text

    def type(self, code: str) -> str:
        """Type commands, and return what they print unless they go on until they are stopped."""
        for name, value in _EXPORT.findall(self._actual(code)):
            self._env[name] = Template(value).substitute(self._env)
        for command in _SERVERS:
            if command in code:
                self._serve(command, code)
                return ""
        # A shell collects what was killed while somebody types.
        script = f"{_UNTIL_ASKED}\n{self._actual(code)}\nwait"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.home,
            env=self._env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        self._seen = [line for line in done.stdout.splitlines() if "Killed " not in line]
        self._server = None
        return done.stdout

    def _serve(self, command: str, code: str) -> None:
        announced, shown = _SERVERS[command]
        self.stop(command)
        # Where it was before, if it was.
        port = self.servers.get(shown, ":0").rpartition(":")[2]
        line = f"exec env {self._actual(code).rstrip()} --port {port} 2>&1"
        running = self._stack.enter_context(Running(["bash", "-c", line], self._env, self.home))
        self.running[command] = self._server = running
        self._seen = [running.line("")]
        while not self._seen[-1].startswith(announced):
            self._seen.append(running.line(""))
        self.servers[shown] = re.findall(r"//([\d.:]+)", self._seen[-1])[0]

    def stop(self, command: str) -> None:
        """Press Ctrl-C in the terminal of a server, if it runs."""
        if command in self.running:
            self.running[command].signal(signal.SIGINT)
            self.running.pop(command).end()

    def look_for(self, command: str, line: str, place: str = "") -> None:
        """Wait for a line in the terminal of a server."""
        seen: list[str] = []
        while not (seen and self._matches(line, seen[-1])):
            found = self._next(command)
            assert found is not None, f"{place}: {line}\n" + "\n".join(seen)
            assert "Traceback" not in found, place
            seen.append(found)

    def _next(self, command: str) -> str | None:
        """Return the next line of a server, or None if it prints none for long."""
        with contextlib.suppress(pytest.fail.Exception):
            return self._as_shown(self.running[command].line("", 10.0))
        return None

    def _compare(self, block: Block) -> None:
        shown = block.code.splitlines()
        while self._server and len(self._seen) < len(shown):
            self._seen.append(self._server.line(""))
        seen = [self._as_shown(line) for line in self._seen]
        place = f"{block.page.name}:{block.line}"
        assert len(seen) == len(shown), f"{place}\n" + "\n".join(seen)
        for line, actual in zip(shown, seen, strict=True):
            assert self._matches(line, actual), f"{place}\n{line}\n{actual}"

    def _matches(self, line: str, actual: str) -> bool:
        pattern = ".*".join(map(re.escape, self._varies.split(line)))
        return re.fullmatch(pattern, actual) is not None

    def _as_shown(self, text: str) -> str:
        for shown, meant in self.servers.items():
            text = text.replace(meant, shown)
        return text
