"""The `monocloud` command in its own process, from wherever this package was imported."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import typer

from ..._settings import API_KEY_VARIABLE, DOMAIN_VARIABLE
from ..output import fail

# The directory or zip file that contains these packages.
_ROOT = Path(__file__).parents[3]
# With -c, files in the current directory would shadow the standard library.
_SOURCE = (
    "import sys; sys.path[:] = filter(None, sys.path); from monocloud_async.cli import main; main()"
)


class Process:
    """A command that runs alongside the demo, and ends with it.

    Args:
        domain: the tenant's address.
        api_key: its key.
        arguments: the arguments after `monocloud`.
        folder: the working directory; None for one without importable files.
    """

    def __init__(
        self, domain: str, api_key: str, arguments: Sequence[str], folder: Path | None = None
    ) -> None:
        path = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        settings = {"PYTHONPATH": path, DOMAIN_VARIABLE: domain, API_KEY_VARIABLE: api_key}
        self._env = {**os.environ, **settings}
        self._arguments = arguments
        self._folder = folder or Path(sys.prefix)

    @property
    def ended(self) -> bool:
        """Whether the command has ended."""
        return self._process.returncode is not None

    async def succeed(self) -> str:
        """Wait until the command ends, and return its output; if it fails, the demo fails."""
        printed, errors = await self._process.communicate()
        if self._process.returncode:
            typer.echo(errors.decode(errors="replace"), nl=False, err=True)
            fail(f"the command ended with exit code {self._process.returncode}")
        return printed.decode()

    async def kill(self) -> bool:
        """Kill the command, and return whether it was still running."""
        if self.ended:
            return False
        self._process.kill()
        await self._process.communicate()
        return self._process.returncode != 0

    async def __aenter__(self) -> Process:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _SOURCE,
            *self._arguments,
            cwd=self._folder,
            env=self._env,
            stdout=asyncio.subprocess.PIPE,
            # A progress bar that is killed would leave the terminal without a cursor.
            stderr=asyncio.subprocess.PIPE,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.kill()
