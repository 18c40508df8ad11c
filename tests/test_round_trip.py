"""Importing an export recreates the tenant, except for what the API never returns."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from monocloud_async import MonoCloudClient
from monocloud_async.emulator import Emulator

from .commands import run
from .conftest import API_KEY, DOMAIN, KEY
from .tenants import content


def phone(number: str, **members: object) -> dict[str, Any]:
    return {"id": f"p{number}", "phone": number, "primary": False, "verified": False, **members}


def email(address: str, **members: object) -> dict[str, Any]:
    return {"id": f"e{address}", "email": address, "primary": False, "verified": False, **members}


USERS: list[dict[str, Any]] = [
    {
        "user_id": "u-whole",
        "disabled": True,
        "username": {"id": "n1", "username": "ada"},
        "emails": [
            email("ada@home.example"),
            email("ada@example.com", primary=True, verified=True),
            email("ADA@work.example", verified=True),
        ],
        "phone_numbers": [
            phone("+441632960961", primary=True, verified=True),
            phone("+441632960962"),
        ],
        "claims": {
            "name": "Ada Lovelace",
            "given_name": "Ada",
            "locale": "en-GB",
            "birthdate": "1815-12-10",
            "address": {"country": "GB", "locality": "London"},
        },
        "private_data": {"plan": "premium", "ids": [1, {"deep": None}], "empty": {}},
        "public_data": {"colour": "b\u00fcrgundy", "ratio": 0.5, "on": True},
        "passkeys": [{"passkey_id": "k", "name": "Phone"}],
    },
    {"user_id": "u-email", "emails": [email("b@example.com", primary=True, verified=True)]},
    {"user_id": "u-phone", "phone_numbers": [phone("+4915123456789", primary=True)]},
    {"user_id": "u-name", "username": {"id": "n2", "username": "=cmd|'x'"}},
    {"user_id": "u-off", "disabled": True, "emails": [email("off@example.com", primary=True)]},
    {
        "user_id": "u-second",
        "emails": [email("one@x.example"), email("two@x.example", primary=True)],
    },
]


STAFF, ADMINS = "5b0c2a54-0000-4000-8000-000000000001", "5b0c2a54-0000-4000-8000-000000000002"
# Each tenant has its own group ids; this table maps the source's ids to the target's.
OTHER = {STAFF: STAFF[:-1] + "8", ADMINS: ADMINS[:-1] + "9"}


@pytest.fixture
async def source() -> AsyncIterator[Emulator]:
    async with Emulator(USERS, api_key=KEY) as source:
        source.add_group("staff", "u-whole", "u-email", group_id=STAFF)
        source.add_group("admins", "u-whole", group_id=ADMINS)
        yield source


@pytest.fixture
async def target() -> AsyncIterator[Emulator]:
    async with Emulator([], api_key=KEY) as target:
        target.add_group("staff", group_id=OTHER[STAFF])
        target.add_group("admins", group_id=OTHER[ADMINS])
        yield target


async def test_importing_an_export_recreates_the_tenant(source: Emulator, target: Emulator) -> None:
    async with (
        MonoCloudClient(source.url, KEY) as exporter,
        MonoCloudClient(target.url, KEY) as importer,
    ):

        async def rows() -> AsyncIterator[dict[str, Any]]:
            async for one in exporter.users.export(groups=True):
                yield one.to_dict()

        found = [one async for one in importer.users.import_many(rows(), groups=OTHER)]
        assert {one.status for one in found} == {"created"}, found
        assert content(target) == content(source)
        # A second import finds every user unchanged.
        found = [one async for one in importer.users.import_many(rows(), groups=OTHER)]
        assert {(one.status, one.differences) for one in found} == {("existed", ())}, found
    assert content(target) == content(source)


async def test_the_commands_recreate_the_tenant(
    source: Emulator, target: Emulator, tmp_path: Path
) -> None:
    file, groups = tmp_path / "users.jsonl.gz", tmp_path / "groups.json"
    groups.write_text(json.dumps(OTHER))
    settings = {DOMAIN: source.url, API_KEY: KEY}
    done = await asyncio.to_thread(run, "users", "export", file, "--groups", env=settings)
    assert done.returncode == 0, done.stderr
    settings = {DOMAIN: target.url, API_KEY: KEY}
    args = ("users", "import", file, "--groups", groups)
    done = await asyncio.to_thread(run, *args, env=settings)
    assert (done.returncode, done.stderr) == (
        0,
        "1 row affected: passkeys: cannot be imported\n",
    ), done
    assert "6 rows: 6 created" in done.stdout
    assert content(target) == content(source)
