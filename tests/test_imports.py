"""Imports: what a row may say, which calls it makes, and what a journal keeps of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest

from monocloud_async import ImportOutcome, MonoCloudClient
from monocloud_async.emulator import Emulator

from .conftest import FAST

HASH = "$2b$10$" + "a" * 53


@pytest.fixture
async def tenant() -> AsyncIterator[Emulator]:
    async with Emulator([]) as emulator:
        yield emulator


@pytest.fixture
async def client(tenant: Emulator) -> AsyncIterator[MonoCloudClient]:
    async with MonoCloudClient(tenant.url, tenant.api_key, retry=FAST) as client:
        yield client


async def imported(
    client: MonoCloudClient, rows: Iterable[Any], **options: Any
) -> list[ImportOutcome]:
    run = client.users.import_many(rows, **options)
    return sorted([one async for one in run], key=lambda one: one.index)


async def test_a_row_with_further_emails(
    client: MonoCloudClient, tenant: Emulator, tmp_path: Path
) -> None:
    row = {
        "email": "mira@example.com",
        "email_verified": True,
        "password_hash": HASH,
        "password_hash_algorithm": "bcrypt",
        "emails": [{"email": "kask@example.com", "verified": False}],
    }
    (one,) = await imported(client, [row], journal=tmp_path / "journal")
    assert (one.status, one.steps, one.error) == ("created", ("create", "emails"), None)
    (again,) = await imported(client, [row], journal=tmp_path / "journal")
    assert (again.status, again.earlier, again.attempts) == ("created", True, 0)
    (user,) = tenant.export()
    assert [(e["email"], e["verified"], e["primary"]) for e in user["emails"]] == [
        ("mira@example.com", True, True),
        ("kask@example.com", False, False),
    ]
    assert user["force_password_reset"] is False
    assert tenant.executions == 2
