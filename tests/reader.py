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
import subprocess
import sys
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from .documents import Block, all_blocks
from .programs import ROOT, SECONDS, Running, environment

_EXPORT = re.compile(r"^export (\w+)=(\S+)$", re.MULTILINE)
# Not the reader's settings, and no plugin that would print more than what the page shows.
_ENVIRONMENT = {
    "COLUMNS": "200",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
}
_MODULES = {"monocloud": "monocloud_async.cli", "pytest": "pytest", "uvicorn": "uvicorn"}
# The commands that go on until they are stopped, and how they say where they listen.
_SERVERS = {"monocloud emulator": "Emulator running at ", "uvicorn ": "INFO:     Uvicorn running on "}
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
        servers: the address of each server that runs, by the address on the page.
    """

    def __init__(
        self, folder: Path, changes: Mapping[str, str] | None = None, varies: Iterable[str] = ()
    ) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.servers: dict[str, str] = {}
        self._changes = dict(changes or {})
        self._varies = re.compile("|".join(("…", *varies)))
        self._bin = folder / "bin"
        self._seen: list[str] = []
        self._server: Running | None = None
        self._running = contextlib.ExitStack()
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
        self._running.close()

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

    def ask(self, address: str) -> Any:
        """Return the JSON at an address of the page."""
        with urllib.request.urlopen(self._actual(address), timeout=SECONDS) as response:
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
            path = self.home / block.file
            path.write_text(self._actual(block.code), encoding="utf-8")
        elif block.language == "text" and block.is_run:
            self._compare(block)
        elif block.language == "sh" and block.is_run:
            self._type(block.code)

    def _actual(self, text: str) -> str:
        for shown, meant in (*self._changes.items(), *self.servers.items()):
            text = text.replace(shown, meant)
        return text

    def _type(self, code: str) -> None:
        import time; t=time.time(); self._type2(code); print(round(time.time()-t,2), code[:60])
    def _type2(self, code: str) -> None:
        self._env |= _EXPORT.findall(self._actual(code))
        for beginning, told in _SERVERS.items():
            if code.startswith(beginning):
                self._serve(code, told)
                return
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

    def _serve(self, code: str, told: str) -> None:
        command = f"exec {self._actual(code).rstrip()} --port 0 2>&1"
        self._server = self._running.enter_context(
            Running(["bash", "-c", command], self._env, self.home)
        )
        self._seen = [self._server.line("")]
        while not self._seen[-1].startswith(told):
            self._seen.append(self._server.line(""))
        shown = "127.0.0.1:8000" if code.startswith("uvicorn") else "127.0.0.1:8080"
        self.servers[shown] = re.findall(r"//([\d.:]+)", self._seen[-1])[0]

    def _compare(self, block: Block) -> None:
        shown = block.code.splitlines()
        while self._server and len(self._seen) < len(shown):
            self._seen.append(self._server.line(""))
        seen = [self._as_shown(line) for line in self._seen]
        place = f"{block.page.name}:{block.line}"
        assert len(seen) == len(shown), f"{place}\n" + "\n".join(seen)
        for line, actual in zip(shown, seen, strict=True):
            pattern = ".*".join(map(re.escape, self._varies.split(line)))
            assert re.fullmatch(pattern, actual), f"{place}\n{line}\n{actual}"

    def _as_shown(self, text: str) -> str:
        for shown, meant in self.servers.items():
            text = text.replace(meant, shown)
        return text
