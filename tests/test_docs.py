"""The README and docs/: snippets run against the emulator, and commands and links are right."""

from __future__ import annotations

import gzip
import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

import monocloud_async
import monocloud_sync
from monocloud_async.cli.app import app
from monocloud_async.emulator import PHONE_ID, USER_ID
from monocloud_async.operations import ALL
from monocloud_sync.emulator import Emulator

from .documents import PAGES, ROOT, blocks, name_of
from .snippets import run

# Generated when the site is built.
GENERATED = {"changelog.md", "contributing.md", "reference/command-line.md"}
CHANGE_A_PHONE = {"README.md"}
AUTH0 = {"email": "ada@example.com", "email_verified": True, "user_id": "auth0|1"}
WITH_CODE = [page for page in PAGES if any(block.is_run for block in blocks(page))]
COMMAND_LINE: Any = typer.main.get_command(app)


@pytest.fixture
def tenant(monocloud_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    monkeypatch.setenv("MONOCLOUD_MANAGEMENT_DOMAIN", monocloud_emulator.url)
    monkeypatch.setenv("MONOCLOUD_MANAGEMENT_API_KEY", monocloud_emulator.api_key)
    return monocloud_emulator


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The directory where a page runs, with the files that the pages mention."""
    users = json.dumps([AUTH0])
    (tmp_path / "users.json").write_text(users)
    (tmp_path / "users.json.gz").write_bytes(gzip.compress(users.encode()))
    hashed = {
        "_id": {"$oid": "1"},
        "email": "ada@example.com",
        "passwordHash": "$2b$10$" + "a" * 53,
    }
    (tmp_path / "hashes.json").write_text(json.dumps(hashed))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        origin = getattr(sys.modules[name], "__file__", None)
        if origin and Path(origin).is_relative_to(tmp_path):
            del sys.modules[name]


def primary(tenant: Emulator) -> str | None:
    phone = tenant.user(USER_ID).primary_phone
    return phone and phone.id


@pytest.mark.parametrize("page", WITH_CODE, ids=name_of)
def test_the_snippets_of_a_page_run(
    page: Path, tenant: Emulator, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType(f"snippets_of_{page.stem.replace('-', '_')}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for block in blocks(page):
        if not block.is_run:
            continue
        if "MonoCloudClient()" in block.code:
            # Snippets on a page build on each other, but each program starts with a fresh tenant.
            tenant.reset()
            assert primary(tenant) != PHONE_ID
        run(block, module, tenant, directory)
        if name_of(page) in CHANGE_A_PHONE and "set_primary" in block.code:
            assert primary(tenant) == PHONE_ID


def shell_commands() -> Iterator[tuple[str, list[str]]]:
    for page in PAGES:
        for block in blocks(page, "sh"):
            for line in block.code.replace("\\\n", " ").splitlines():
                for part in re.split(r"\s\|\s", line):
                    if part.strip().startswith("monocloud "):
                        yield name_of(page), shlex.split(part, comments=True)[1:]


def test_commands_on_the_pages_exist_with_their_options() -> None:
    found = list(shell_commands())
    assert len(found) > 20
    for page, args in found:
        command, rest = COMMAND_LINE, list(args)
        context = command.context_class(command, info_name="monocloud")
        while hasattr(command, "get_command") and rest and not rest[0].startswith("-"):
            command = command.get_command(context, rest.pop(0))
            assert command is not None, (page, args)
        known = {
            name
            for each in command.get_params(context)
            for name in (*each.opts, *each.secondary_opts)
        }
        options = {arg.partition("=")[0] for arg in rest if re.match(r"--[a-z]", arg)}
        assert options <= known | {"--help"}, (page, args)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_between_files_resolve(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:|#", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve()
        docs = ROOT / "docs"
        if not (path.is_relative_to(docs) and path.relative_to(docs).as_posix() in GENERATED):
            assert path.exists(), target
            assert not anchor or anchor in anchors(path), target


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as both GitHub and the site make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_readme_has_the_commands_to_start_with() -> None:
    commands = [block.code.strip() for block in blocks(ROOT / "README.md", "sh")]
    assert "scripts/demo" in commands
    assert "scripts/test" in commands


def test_the_table_of_methods_lists_every_operation() -> None:
    text = (ROOT / "docs" / "guide" / "operations.md").read_text()
    table = text.partition("\n| resource | methods |\n")[2].partition("\n\n")[0]
    rows = [re.findall(r"`(\w+)`", line) for line in table.splitlines()[1:]]
    methods = {f"{resource}.{name}" for resource, *names in rows for name in names}
    many = {"users.import_many", "users.export"}
    composed = {"phones.set_primary_by_number", "phones.set_primary_many", *many}
    assert methods == {operation.name for operation in ALL} | composed


@pytest.mark.parametrize("package", [monocloud_async, monocloud_sync])
def test_the_reference_covers_every_public_name(package: ModuleType) -> None:
    pages = (ROOT / "docs" / "reference").glob("*.md")
    named = {
        name
        for page in pages
        for name in re.findall(r"^::: .*\.(\w+)$", page.read_text(), re.MULTILINE)
    }
    assert set(package.__all__) - {"__version__"} - named == set()
