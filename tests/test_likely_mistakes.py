"""Likely mistakes and unusual environments: what is sent, and which error is raised."""

from __future__ import annotations

import asyncio
import functools
import json
import traceback
from typing import Any

import aiohttp
import pytest

from monocloud_async import (
    KEEP,
    InvalidArgumentError,
    MonoCloudClient,
    PhoneOutcome,
    RetryPolicy,
    TransportError,
    UnauthorizedError,
)

from .test_pages import page
from .wire import Wire, Writer, answer, problem

KEY = "abcd+efgh/ijkl==0123"
CANARY = "Hunter2-Hunter2"


@pytest.mark.parametrize("wrong", [12345678, b"bytes", KEEP, ["x"], "", "\ud800"])
async def test_an_invalid_password_is_not_sent(wrong: Any) -> None:
    async with Wire(answer()) as wire, MonoCloudClient(wire.url, KEY) as client:
        for call in (
            lambda: client.passwords.set("u", wrong),
            lambda: client.passwords.set(
                "u", password_hash=wrong, password_hash_algorithm="bcrypt"
            ),
            lambda: client.passwords.change("u", wrong, "new"),
            lambda: client.passwords.change("u", "old", wrong),
            lambda: client.users.create(email="a@example.com", password=wrong),
        ):
            with pytest.raises(InvalidArgumentError, match="nothing was sent"):
                await call()
    assert wire.requests == []


async def test_a_call_made_during_another_call_does_not_change_its_progress() -> None:
    async def step(writer: Writer) -> None:
        if "phones" in wire.requests[-1].target:
            writer.close()
        else:
            await answer()(writer)

    async with Wire(step) as wire:
        clients: list[MonoCloudClient] = []

        async def inner(*_: object) -> None:
            await clients[0].users.get("inner")

        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(inner)
        async with aiohttp.ClientSession(trace_configs=[trace]) as session:
            policy = RetryPolicy(base_delay=0.0)
            async with MonoCloudClient(wire.url, KEY) as other:
                clients.append(other)
                client = MonoCloudClient(wire.url, KEY, session=session, retry=policy)
                with pytest.raises(TransportError) as caught:
                    await client.phones.add("u", "+441632960961")
    assert caught.value.may_have_been_applied
    assert sum("phones" in request.target for request in wire.requests) == 1


async def test_an_invalid_partial_is_explained_without_showing_the_password() -> None:
    async with Wire(problem(401)) as wire, MonoCloudClient(wire.url, KEY) as client:
        misspelt: Any = functools.partial(
            client.passwords.set,
            password=CANARY,
            revoke_session=True,  # type: ignore[call-arg]
        )
        with pytest.raises(InvalidArgumentError, match="revoke_session") as caught:
            client.many(misspelt, [("u",)])
        assert CANARY not in f"{caught.value!r}{caught.value.__cause__}{caught.value.__context__}"
        right = functools.partial(client.passwords.set, password=CANARY)
        with pytest.raises(UnauthorizedError) as refused:
            _ = [one async for one in client.many(right, [("u",)])]
    for frame, _line in traceback.walk_tb(refused.value.__traceback__):
        if frame.f_code.co_filename != __file__:
            assert CANARY not in repr(frame.f_locals)


@pytest.mark.parametrize(
    "written",
    [KEY, KEY.replace("+", "\\u002B"), KEY.replace("/", "\\/"), KEY.replace("=", "\\u003d")],
)
async def test_an_escaped_key_in_a_response_is_masked(written: str) -> None:
    body = f'{{"title": "No", "detail": "bad key {written}"}}'.encode()
    async with Wire(answer(400, body)) as wire, MonoCloudClient(wire.url, KEY) as client:
        with pytest.raises(Exception, match=r"bad key \*\*\*") as caught:
            await client.users.get("u")
    assert KEY not in f"{caught.value}{vars(caught.value)}"


async def test_rows_for_one_user_keep_their_order_however_the_user_is_given() -> None:
    gate = asyncio.Event()

    async def step(writer: Writer) -> None:
        await gate.wait()
        await answer()(writer)

    async with Wire(step) as wire, MonoCloudClient(wire.url, KEY) as client:
        patch = functools.partial(client.users.patch_claims, user_id="u")
        for run, together in (
            (client.many(patch, [{"name": f"{n}"} for n in range(4)]), 1),
            (client.many(client.request, [("POST", "/users/{u}/x", "u")] * 4), 1),
            (client.many(client.request, [("GET", "/users/{u}", f"u{n}") for n in range(4)]), 4),
        ):
            gate.clear()
            wire.requests.clear()
            running = asyncio.ensure_future(_all(run))
            while len(wire.requests) < together:  # noqa: ASYNC110  (the server's own list)
                await asyncio.sleep(0.001)
            for _ in range(50):
                await asyncio.sleep(0)
            assert len(wire.requests) == together
            gate.set()
            assert [one.error for one in await running] == [None] * 4


async def _all(run: Any) -> list[Any]:
    return [one async for one in run]


@pytest.mark.parametrize("limit", [-1, "5", 1.5, True])
async def test_an_invalid_limit_sends_nothing(limit: Any) -> None:
    async with Wire(page(1, "a", of=1)) as wire, MonoCloudClient(wire.url, KEY) as client:
        with pytest.raises(InvalidArgumentError, match="limit must be"):
            await client.users.list().collect(limit)
        assert await client.users.list().collect(0) == []
    assert wire.requests == []


async def test_a_list_that_shifts_by_one_page_continues() -> None:
    steps = (page(1, "a", of=2, size=1), page(2, "a", of=3, size=1), page(3, "b", of=3, size=1))
    async with Wire(*steps) as wire, MonoCloudClient(wire.url, KEY) as client:
        found = await client.users.list(size=1).collect()
    assert [user.user_id for user in found] == ["a", "a", "b"]


async def test_phone_rows_by_name_work_in_any_order() -> None:
    rows: Any = [{"identifier_id": "PHONE", "user_id": "USER"}]
    async with Wire(answer()) as wire, MonoCloudClient(wire.url, KEY) as client:
        [found] = await _all(client.phones.set_primary_many(rows))
    assert isinstance(found, PhoneOutcome)
    assert (found.user_id, found.identifier_id) == ("USER", "PHONE")
    assert wire.requests[0].target == "/api/users/USER/phones/PHONE/primary"


async def test_a_row_that_cannot_be_sent_fails_alone() -> None:
    deep: Any = {}
    for _ in range(100_000):
        deep = {"a": deep}
    body = {"public_data": {}}
    rows: Any = [("u0", {"a": 1}), ("u1", deep), ("u2", {"a": 2})]
    async with Wire(answer(200, body)) as wire, MonoCloudClient(wire.url, KEY) as client:
        found = await _all(client.many(client.data.patch_public, rows, concurrency=1))
        for query in ([("a", "b")], {"\ud800": "x"}, {1: "b"}):
            with pytest.raises(InvalidArgumentError, match="query"):
                await client.request("GET", "/users", query=query)  # type: ignore[arg-type]
    errors = {one.index: type(one.error) for one in found}
    assert errors == {0: type(None), 1: InvalidArgumentError, 2: type(None)}
    assert [json.loads(r.body) for r in wire.requests] == [
        {"public_data": {"a": 1}},
        {"public_data": {"a": 2}},
    ]
