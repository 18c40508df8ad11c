"""The docstrings of the public names: their examples run, and their API lines are correct."""

from __future__ import annotations

import asyncio
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

import monocloud_async
import monocloud_async.resources
import monocloud_sync
from monocloud_async.emulator import USER_ID
from monocloud_async.operations import ALL
from monocloud_sync.emulator import Emulator

OPERATIONS = {operation.name: operation for operation in ALL}
RESOURCES = {
    name: kind
    for name, kind in vars(monocloud_async.resources).items()
    if isinstance(kind, type) and name != "Resource"
}


def documented(module: Any) -> Iterator[tuple[str, str]]:
    """Yield the docstrings of the public classes and their public methods, by name."""
    kinds = {name: vars(module)[name] for name in module.__all__} | (
        RESOURCES if module is monocloud_async else {}
    )
    for name, kind in kinds.items():
        if not isinstance(kind, type):
            continue
        yield name, inspect.getdoc(kind) or ""
        for method in dir(kind):
            member = inspect.getattr_static(kind, method)
            if isinstance(member, FunctionType) and not method.startswith("_"):
                yield f"{name}.{method}", inspect.getdoc(member) or ""


def examples(module: Any) -> list[Any]:
    return [
        pytest.param(textwrap.dedent(code), id=name)
        for name, text in documented(module)
        for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    ]


async def run_async(code: str, tenant: Emulator) -> None:
    names: dict[str, Any] = {}
    exec(f"async def run(client, user_id):\n{textwrap.indent(code, '    ')}", names)
    async with monocloud_async.MonoCloudClient(tenant.url, tenant.api_key) as client:
        await names["run"](client, USER_ID)


@pytest.fixture
def tenant(monocloud_emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    return monocloud_emulator


@pytest.mark.parametrize("code", examples(monocloud_async))
def test_an_async_example_runs(code: str, tenant: Emulator) -> None:
    asyncio.run(run_async(code, tenant))
    assert tenant.requests


@pytest.mark.parametrize("code", examples(monocloud_sync))
def test_a_blocking_example_runs(code: str, tenant: Emulator) -> None:
    with monocloud_sync.MonoCloudClient(tenant.url, tenant.api_key) as client:
        exec(code, {"client": client, "user_id": USER_ID})
    assert tenant.requests


def test_the_most_used_methods_have_an_example() -> None:
    found = {example.id for example in examples(monocloud_async)}
    assert found >= {
        "PhonesResource.set_primary",
        "PhonesResource.set_primary_by_number",
        "PhonesResource.set_primary_many",
        "UsersResource.create",
        "UsersResource.export",
        "UsersResource.import_many",
        "UsersResource.list",
    }


def test_every_operation_has_its_api_line() -> None:
    lines: dict[str, str] = {}
    for name, kind in RESOURCES.items():
        resource = re.sub(r"(?<!^)(?=[A-Z])", "_", name.removesuffix("Resource")).lower()
        for method, member in vars(kind).items():
            text = inspect.cleandoc(member.__doc__ or "")
            found = re.search(r"API: ``(\w+ \S+)``\n *https://\S+$", text, re.MULTILINE)
            if found:
                lines[f"{resource}.{method}"] = found[1]
    assert lines == {n: f"{one.method} /api{one.path}" for n, one in OPERATIONS.items()}
