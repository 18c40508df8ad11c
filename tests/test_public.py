"""What the distribution says of itself, and what its packages show."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import monocloud_async

ROOT = Path(__file__).parents[1]
MODULES = sorted([*ROOT.glob("monocloud_async/**/*.py"), *ROOT.glob("monocloud_sync/*.py")])


def test_the_changelog_knows_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.MULTILINE)
    assert versions[0] == monocloud_async.__version__


def test_exported_names_are_there_and_sorted() -> None:
    names = monocloud_async.__all__
    assert names == sorted(names)
    shown = {n for n, v in vars(monocloud_async).items() if isinstance(v, type)}
    assert shown <= set(names)
    assert all(hasattr(monocloud_async, name) for name in names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_stay_small(path: Path) -> None:
    source = path.read_text()
    assert source.count("\n") <= 300 or "models" in path.parts
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert lines <= 30, f"{node.name} has {lines} lines"


def test_one_folder_knows_aiohttp() -> None:
    knowing = {
        str(path.relative_to(ROOT / "monocloud_async"))
        for path in MODULES
        if re.search(r"^\s*(import|from) aiohttp", path.read_text(), re.MULTILINE)
        and "emulator" not in path.parts
    }
    # Besides, the client takes a session of the caller's.
    assert {name for name in knowing if not name.startswith("_http/")} == {"client.py"}


def test_it_touches_nothing_that_aiohttp_calls_private() -> None:
    for path in ROOT.glob("monocloud_async/_http/*.py"):
        source = re.sub(r"^from \.+_\w+ import", "", path.read_text(), flags=re.MULTILINE)
        assert not re.findall(r"(?<!self)\._[a-z]\w*", source), path.name
