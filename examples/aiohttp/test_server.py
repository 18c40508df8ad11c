"""Test the app against the emulator, over sockets."""

import asyncio
import functools
from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

import server
from monocloud_async import MonoCloudClient
from monocloud_async.emulator import PHONE_ID, USER_ID, Fault

URL = f"/users/{USER_ID}/primary-phone/{PHONE_ID}"


@pytest.fixture
async def visitor(monocloud_emulator, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TestClient]:
    """A visitor of the app, which reads its settings from the environment."""
    one_at_once = functools.partial(MonoCloudClient, max_connections=1)
    monkeypatch.setattr(server, "MonoCloudClient", one_at_once)
    monkeypatch.setenv("MONOCLOUD_MANAGEMENT_DOMAIN", monocloud_emulator.url)
    monkeypatch.setenv("MONOCLOUD_MANAGEMENT_API_KEY", monocloud_emulator.api_key)
    async with TestClient(TestServer(server.create_app())) as visitor:
        yield visitor


async def test_the_phone_becomes_primary(visitor, monocloud_emulator) -> None:
    response = await visitor.post(URL)
    assert (response.status, await response.json()) == (200, {"primary": "+441632960961"})
    assert monocloud_emulator.user(USER_ID).primary_phone.id == PHONE_ID


async def test_errors_become_responses(visitor, monocloud_emulator) -> None:
    assert (await visitor.post(f"/users/{USER_ID}/primary-phone/nope")).status == 404
    monocloud_emulator.faults.add(Fault(status=429, headers={"Retry-After": "30"}, times=1))
    busy = await visitor.post(URL)
    assert (busy.status, busy.headers["Retry-After"]) == (503, "30")
    monocloud_emulator.faults.add(Fault(status=403, times=1))
    failed = await visitor.post(URL)
    assert (failed.status, (await failed.json())["may_have_been_applied"]) == (502, False)
    assert monocloud_emulator.executions == 0
    # One request each: the app leaves longer waits to the visitor.
    assert monocloud_emulator.counts.requests == 3


async def test_the_call_ends_when_the_visitor_leaves(visitor, monocloud_emulator) -> None:
    monocloud_emulator.faults.add(Fault(delay=30, times=1))
    leaving = asyncio.create_task(visitor.post(URL))
    while not monocloud_emulator.requests:  # noqa: ASYNC110 - another thread fills it
        await asyncio.sleep(0.001)
    leaving.cancel()
    # If the first call continued, it would keep the only connection until its timeout.
    response = await asyncio.wait_for(visitor.post(URL), 4)
    assert response.status == 200
    assert monocloud_emulator.counts.requests == 2
