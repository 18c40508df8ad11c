"""Lists are read page by page over a real socket; the next page is fetched in advance."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

import monocloud_sync
from monocloud_async import (
    ConfigurationError,
    InvalidArgumentError,
    MonoCloudClient,
    NotFoundError,
    PagingError,
    ResponseDecodeError,
    RetryPolicy,
    UserSummary,
)

from .wire import Step, Wire, answer, problem, seen, served, silence

KEY = "key"
FAST = RetryPolicy(base_delay=0.0)


def page(number: int, *ids: str, of: int, size: int = 2, **changes: Any) -> Step:
    """Answer with one page of a list that has `of` records."""
    paging = {
        "page_size": size,
        "current_page": number,
        "total_count": of,
        "has_previous": number > 1,
        "has_next": number * size < of,
        **changes,
    }
    users = [{"user_id": one} for one in ids]
    return answer(200, users, x_pagination=json.dumps(paging))


THREE = (page(1, "a", "b", of=5), page(2, "c", "d", of=5), page(3, "e", of=5))


def queries(wire: Wire) -> list[dict[str, list[str]]]:
    return [parse_qs(urlsplit(request.target).query) for request in wire.requests]


async def test_all_pages_are_read() -> None:
    async with Wire(*THREE) as wire, MonoCloudClient(wire.url, KEY) as client:
        users = client.users.list(filter="name:a b&c", sort="creation_time:-1", size=2)
        assert wire.requests == []
        assert [user.user_id async for user in users] == list("abcde")
    same = {"filter": ["name:a b&c"], "sort": ["creation_time:-1"], "size": ["2"]}
    assert queries(wire) == [{"page": [str(n)], **same} for n in (1, 2, 3)]
    assert wire.requests[0].target.startswith("/api/users?")


async def test_each_page_carries_its_response() -> None:
    async with Wire(*THREE) as wire, MonoCloudClient(wire.url, KEY) as client:
        pages = [one async for one in client.users.list(size=2).pages()]
    assert [len(one.items) for one in pages] == [2, 2, 1]
    assert [one.response and one.response.attempts for one in pages] == [1, 1, 1]


async def test_the_next_page_is_fetched_while_this_one_is_read() -> None:
    async with Wire(*THREE) as wire, MonoCloudClient(wire.url, KEY) as client:
        users = aiter(client.users.list())
        assert (await anext(users)).user_id == "a"
        await asyncio.wait_for(seen(lambda: len(wire.requests) == 2), 10)
        assert (await anext(users)).user_id == "b"
        assert len(wire.requests) == 2
        await users.aclose()


async def test_leaving_a_list_cancels_the_fetch_in_progress() -> None:
    async with Wire(page(1, "a", of=2, size=1), silence) as wire:
        async with MonoCloudClient(wire.url, KEY) as client:
            users = aiter(client.users.list())
            await anext(users)
            await asyncio.wait_for(seen(lambda: len(wire.requests) == 2), 10)
            await users.aclose()
            await asyncio.wait_for(wire.left.wait(), 10)
    assert len(wire.requests) == 2


async def test_a_failed_page_raises_after_the_records_before_it() -> None:
    found: list[UserSummary] = []
    async with Wire(page(1, "a", "b", of=4), problem(404)) as wire:
        async with MonoCloudClient(wire.url, KEY) as client:
            users = aiter(client.users.list())
            found += [await anext(users), await anext(users)]
            with pytest.raises(NotFoundError):
                await anext(users)
    assert [user.user_id for user in found] == ["a", "b"]


async def test_a_page_is_fetched_again_after_a_503() -> None:
    async with Wire(THREE[0], problem(503), *THREE[1:]) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=FAST) as client:
            assert [user.user_id async for user in client.users.list()] == list("abcde")
    assert len(wire.requests) == 4


@pytest.mark.parametrize(
    ("read", "expected", "requests"),
    [
        (lambda users: users.first(), "a", 1),
        (lambda users: users.collect(), "abcde", 3),
        (lambda users: users.collect(0), "", 2),
        (lambda users: users.collect(3), "abc", 3),
    ],
)
async def test_first_and_collect_read_only_the_pages_they_need(
    read: Callable[[Any], Awaitable[Any]], expected: str, requests: int
) -> None:
    async with Wire(*THREE) as wire, MonoCloudClient(wire.url, KEY) as client:
        found = await read(client.users.list())
        users = found if isinstance(found, list) else [found]
        assert "".join(user.user_id for user in users) == expected
    assert len(wire.requests) <= requests


async def test_an_empty_list_has_no_records() -> None:
    async with Wire(page(1, of=0)) as wire, MonoCloudClient(wire.url, KEY) as client:
        assert await client.users.list().first() is None
        assert await client.users.list().collect() == []


async def test_a_changing_count_is_visible_and_the_list_continues() -> None:
    async with Wire(page(1, "a", "b", of=3), page(2, "c", "d", of=5), page(3, "e", of=5)) as wire:
        async with MonoCloudClient(wire.url, KEY) as client:
            counts = [one.total_count async for one in client.users.list(size=2).pages()]
    assert counts == [3, 5, 5]


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (page(1, "a", "b", of=9, has_next=True), "returned page 1 instead of page 2"),
        (page(2, "a", "b", of=9, has_next=True), "the same records as the previous page"),
        (page(2, of=9, has_next=True), "page 2 is empty"),
    ],
)
async def test_a_list_that_would_never_end_raises(step: Step, why: str) -> None:
    async with Wire(page(1, "a", "b", of=9), step) as wire:
        async with MonoCloudClient(wire.url, KEY) as client:
            with pytest.raises(PagingError, match=why) as caught:
                await client.users.list().collect()
    assert caught.value.page == 2
    assert len(wire.requests) == 2


@pytest.mark.parametrize(
    "step", [answer(200, []), answer(200, [], x_pagination="{}"), answer(200, {}), answer(200, b"")]
)
async def test_an_unreadable_page_does_not_end_the_list_silently(step: Step) -> None:
    async with Wire(THREE[0], step) as wire, MonoCloudClient(wire.url, KEY) as client:
        with pytest.raises(ResponseDecodeError, match="cannot be read") as caught:
            await client.users.list().collect()
    assert not caught.value.may_have_been_applied
    assert len(wire.requests) == 2


@pytest.mark.parametrize(
    "options",
    [
        {"page": 0},
        {"page": True},
        {"size": 0},
        {"size": "10"},
        {"sort": "creation_time"},
        {"sort": "creation_time:2"},
        {"sort": 1},
        {"filter": 7},
        {"filter": "\ud800"},
    ],
)
async def test_wrong_options_send_nothing(options: dict[str, Any]) -> None:
    async with Wire(*THREE) as wire, MonoCloudClient(wire.url, KEY) as client:
        with pytest.raises(InvalidArgumentError, match="nothing was sent"):
            await client.users.list(**options).collect()
        with pytest.raises(InvalidArgumentError, match="nothing was sent"):
            client.sessions.list("..")
    assert wire.requests == []


def test_the_blocking_client_reads_lists_page_by_page() -> None:
    with served(*THREE) as wire, monocloud_sync.MonoCloudClient(wire.url, KEY) as client:
        users = client.users.list(size=2)
        assert wire.requests == []
        assert [user.user_id for user in users] == list("abcde")
    with served(*THREE) as wire, monocloud_sync.MonoCloudClient(wire.url, KEY) as client:
        assert [len(one.items) for one in client.users.list().pages()] == [2, 2, 1]
    with served(*THREE) as wire, monocloud_sync.MonoCloudClient(wire.url, KEY) as client:
        first = client.users.list().first()
        assert first is not None
        assert first.user_id == "a"
        assert len(wire.requests) == 1
    with served(*THREE) as wire, monocloud_sync.MonoCloudClient(wire.url, KEY) as client:
        assert [user.user_id for user in client.users.list().collect(3)] == list("abc")


def test_a_blocking_list_can_be_closed_early() -> None:
    with served(page(1, "a", of=2, size=1), silence) as wire:
        client = monocloud_sync.MonoCloudClient(wire.url, KEY)
        users = client.users.list().pages()
        assert next(users).current_page == 1
        users.close()
        client.close()
        with pytest.raises(ConfigurationError):
            client.users.list().first()
