"""Runs a code block of a page as a reader would: in a file, in a notebook, or with pytest."""

from __future__ import annotations

import ast
import asyncio
import inspect
import linecache
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from monocloud_sync.emulator import Emulator

from .documents import Block

# Process-wide settings would leak into other tests.
_PROCESS_WIDE = ("enable_logging(", ".instrument(")


def run(block: Block, module: ModuleType, tenant: Emulator, directory: Path) -> None:
    """Run a block in its page's module, and then the tests that it defines."""
    if block.file:
        (directory / block.file).write_text(block.code, encoding="utf-8")
    if any(call in block.code for call in _PROCESS_WIDE):
        command = [sys.executable, "-W", "error", "-c", block.code]
        subprocess.run(command, check=True, timeout=30, capture_output=True)
        return
    known = dict(vars(module))
    _execute(block, module)
    for name, value in list(vars(module).items()):
        if name.startswith("test_") and callable(value) and known.get(name) is not value:
            _test(value, tenant)


def _execute(block: Block, module: ModuleType) -> None:
    name = f"<{block.page.name}:{block.line}>"
    # Tracebacks and `inspect.getsource` need the source.
    linecache.cache[name] = (len(block.code), None, block.code.splitlines(True), name)
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code = compile(block.code, name, "exec", flags=flags, dont_inherit=True)
    result = eval(code, vars(module))  # we wrote the pages
    if inspect.iscoroutine(result):
        asyncio.run(result)


def _test(function: object, tenant: Emulator) -> None:
    assert callable(function)
    tenant.reset()
    wanted = inspect.signature(function).parameters
    result = function(**{name: {"monocloud_emulator": tenant}[name] for name in wanted})
    if inspect.iscoroutine(result):
        asyncio.run(result)
