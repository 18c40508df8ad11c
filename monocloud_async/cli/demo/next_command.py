"""The command to type after the demo, which depends on how the demo was started."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import sys
from pathlib import Path


def next_command() -> str:
    """Return the command that starts an emulator."""
    return shlex.join([*_monocloud(Path(sys.argv[0])), "emulator"])


def _monocloud(program: Path) -> list[str]:
    if program.suffix in (".pyz", ".zip"):
        return [Path(sys.executable).name, str(program)]
    if program.stem != "monocloud":
        return [Path(sys.executable).name, "-m", "monocloud_async.cli"]
    found = shutil.which("monocloud")
    if found and Path(found).resolve() == program.resolve():
        return ["monocloud"]
    # `scripts/demo` runs in a virtual environment that is not active.
    with contextlib.suppress(ValueError):
        program = program.relative_to(Path.cwd())
    return [str(program)]
