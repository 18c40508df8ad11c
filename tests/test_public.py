"""What the distribution declares and what its packages export."""

from __future__ import annotations

import ast
import graphlib
import inspect
import re
import typing
from pathlib import Path
from types import ModuleType
from unittest.mock import Mock, create_autospec

import pytest

import monocloud_async
import monocloud_async.resources
import monocloud_sync
import monocloud_sync.resources

ROOT = Path(__file__).parents[1]
MODULES = sorted([*ROOT.glob("monocloud_async/**/*.py"), *ROOT.glob("monocloud_sync/*.py")])


def test_the_changelog_starts_with_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.MULTILINE)
    assert versions[0] == monocloud_async.__version__


def test_exported_names_exist_and_are_sorted() -> None:
    names = monocloud_async.__all__
    assert names == sorted(names, key=lambda name: (not name.isupper(), name))
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


def test_only_one_folder_imports_aiohttp() -> None:
    importing = {
        str(path.relative_to(ROOT / "monocloud_async"))
        for path in MODULES
        if re.search(r"^\s*(import|from) aiohttp", path.read_text(), re.MULTILINE)
        and "emulator" not in path.relative_to(ROOT).parts
    }
    # These two also import it, because the client accepts a session from the caller.
    assert {name for name in importing if not name.startswith("_http/")} == {
        "_settings.py",
        "client.py",
    }


def test_no_private_name_of_aiohttp_is_used() -> None:
    for path in ROOT.glob("monocloud_async/_http/*.py"):
        source = re.sub(r"^from \.+_\w+ import", "", path.read_text(), flags=re.MULTILINE)
        assert not re.findall(r"(?<!self)\._[a-z]\w*", source), path.name


@pytest.mark.parametrize("package", [monocloud_async, monocloud_sync], ids=lambda p: p.__name__)
def test_type_hints_of_all_public_methods_resolve(package: ModuleType) -> None:
    """Dependency injection frameworks and typed mocks resolve them."""
    kinds = [value for value in vars(package).values() if isinstance(value, type)]
    kinds += [v for v in vars(package.resources).values() if isinstance(v, type)]
    methods = {
        f"{kind.__name__}.{name}": function
        for kind in kinds
        for name, function in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_") or name == "__init__"
        if function.__module__.startswith("monocloud")
    }
    assert len(methods) > 50
    for function in methods.values():
        assert typing.get_type_hints(function)


@pytest.mark.parametrize("package", [monocloud_async, monocloud_sync], ids=lambda p: p.__name__)
@pytest.mark.parametrize("name", ["users", "phones", "grants"])
def test_mocks_with_a_spec_have_the_resources(package: ModuleType, name: str) -> None:
    method = "get" if name == "users" else "remove" if name == "phones" else "revoke_consent"
    for double in (Mock(spec=package.MonoCloudClient), create_autospec(package.MonoCloudClient)):
        assert getattr(getattr(double, name), method)
    client = create_autospec(package.MonoCloudClient, instance=True)
    with pytest.raises(TypeError):
        getattr(getattr(client, name), method)()
    result = getattr(getattr(client, name), method)("u") if name == "users" else None
    if inspect.iscoroutine(result):
        result.close()


def imported(path: Path, modules: set[str]) -> set[str]:
    """Return the project modules that a module imports anywhere in its code."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    package = name.removesuffix(".__init__") if path.stem == "__init__" else name.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            source = ".".join([*above, node.module or ""] if node.level else [node.module or ""])
            source = source.rstrip(".")
            found |= {f"{source}.{alias.name}" for alias in node.names} | {source}
    return (found & modules) - {name.removesuffix(".__init__")}


def test_imports_have_no_cycles_and_never_go_from_async_to_sync() -> None:
    names = {
        path: ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in MODULES
    }
    graph = {names[path]: imported(path, set(names.values())) for path in MODULES}
    packages = {names[path] for path in MODULES if path.stem == "__init__"}
    for name, others in graph.items():
        # A package's __init__ runs before its modules; they do not depend on it themselves.
        graph[name] = {other for other in others if not name.startswith(f"{other}.")}
        if not name.startswith("monocloud_sync"):
            assert not [other for other in others if other.startswith("monocloud_sync")], name
    assert packages
    list(graphlib.TopologicalSorter(graph).static_order())
