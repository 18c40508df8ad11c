"""`client.many`: what it sends, in which order, how often, and the outcome of each row."""

from __future__ import annotations

import functools
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

import monocloud_sync
from monocloud_async import (
    InvalidArgumentError,
    MonoCloudClient,
    ResponseDecodeError,
    RetryPolicy,
    TransportError,
    UnauthorizedError,
    User,
)
from monocloud_async.bulk import Outcome

from .clock import Clock, timed
from .wire import PAGE, Wire, answer, close, problem, served

KEY = "key"
FAST = RetryPolicy(base_delay=0.0)
EMPTY = answer(204, b"")
CREATED = answer(201, PAGE)


async def outcomes(run: AsyncIterator[Outcome[Any]]) -> list[Outcome[Any]]:
    return sorted([one async for one in run], key=lambda one: one.index)


async def test_rows_may_have_one_argument_and_no_result() -> None:
    async with Wire(EMPTY, problem(404), EMPTY) as wire:
        async with MonoCloudClient(wire.url, KEY) as client:
            run = client.many(client.users.delete, [("a",), ("b",), ("c",)], concurrency=1)
            found = await outcomes(run)
    assert [one.row for one in found] == [("a",), ("b",), ("c",)]
    assert [one.result for one in found] == [None] * 3
    assert [one.error and type(one.error).__name__ for one in found] == [
        None,
        "NotFoundError",
        None,
    ]
    assert [r.line for r in wire.requests] == [
        f"DELETE /api/users/{user} HTTP/1.1" for user in "abc"
    ]


async def test_a_record_is_refused_as_a_row_and_as_rows() -> None:
    user = User.from_dict(PAGE)
    async with Wire(answer()) as wire, MonoCloudClient(wire.url, KEY) as client:
        rows: Any = [*user.connections, user]
        for found in await outcomes(client.many(client.phones.set_primary, rows)):
            assert "not User" in str(found.error)
        with pytest.raises(InvalidArgumentError, match=r"a tuple .*, not User;"):
            await outcomes(client.many(client.phones.set_primary, user))  # type: ignore[arg-type]
    assert wire.requests == []
    with monocloud_sync.MonoCloudClient(wire.url, KEY) as blocking:
        with pytest.raises(InvalidArgumentError, match="not User;"):
            list(blocking.many(blocking.phones.set_primary, user))  # type: ignore[arg-type]


async def test_keyword_only_arguments_take_mappings_as_rows() -> None:
    rows = [{"email": f"u{n}@example.com", "email_verified": True} for n in range(3)]
    async with Wire(CREATED) as wire, MonoCloudClient(wire.url, KEY) as client:
        found = await outcomes(client.many(client.users.create, rows))
    assert [one.row for one in found] == rows
    assert all(one.result == found[0].result for one in found)
    assert sorted((json.loads(r.body) for r in wire.requests), key=str) == rows


async def test_a_partial_sets_the_same_argument_for_each_row() -> None:
    async with Wire(answer()) as wire, MonoCloudClient(wire.url, KEY) as client:
        disable = functools.partial(client.users.disable, revoke_sessions=True)
        await outcomes(client.many(disable, [("u",)]))
    assert json.loads(wire.requests[0].body) == {"revoke_sessions": True}


async def test_optional_positional_arguments_may_be_left_out() -> None:
    async with Wire(answer()) as wire, MonoCloudClient(wire.url, KEY) as client:
        rows: list[Any] = [("u", "secret"), ("v",)]
        found = await outcomes(client.many(client.passwords.set, rows, concurrency=1))
    assert found[0].error is None
    assert "password or password_hash" in str(found[1].error)
    assert json.loads(wire.requests[0].body) == {"password": "secret"}


async def test_client_request_can_be_called_for_many_rows() -> None:
    async with Wire(answer()) as wire, MonoCloudClient(wire.url, KEY) as client:
        rows: list[Any] = [("POST", "/users/{user_id}/enable", user) for user in "ab"]
        found = await outcomes(client.many(client.request, rows, concurrency=1))
    assert [one.result.status for one in found] == [200, 200]
    assert [r.target for r in wire.requests] == ["/api/users/a/enable", "/api/users/b/enable"]


async def test_rows_with_the_same_first_argument_keep_their_order() -> None:
    rows = [(f"u{n % 3}", f"g{n}") for n in range(60)]
    async with Wire(CREATED) as wire, MonoCloudClient(wire.url, KEY) as client:
        await outcomes(client.many(client.groups.assign, rows, concurrency=16))
    sent = [request.target.split("/")[3::2] for request in wire.requests]
    for user in ("u0", "u1", "u2"):
        groups = [group for name, group in sent if name == user]
        assert groups == [group for name, group in rows if name == user]


async def test_calls_that_are_unsafe_to_repeat_are_sent_once() -> None:
    async with Wire(close, problem(503), CREATED) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=FAST) as client:
            rows = [{"email": f"u{n}@example.com"} for n in range(3)]
            found = await outcomes(client.many(client.users.create, rows, concurrency=1))
    assert [one.may_have_been_applied for one in found] == [True, True, False]
    assert isinstance(found[0].error, TransportError)
    assert len(wire.requests) == 3


async def test_repeatable_calls_are_retried_and_wait_after_a_429() -> None:
    clock = Clock()
    steps = (close, problem(429), problem(429), problem(503), EMPTY)
    async with Wire(*steps) as wire:
        async with timed(MonoCloudClient(wire.url, KEY, retry=FAST), clock) as client:
            [found] = await outcomes(client.many(client.users.delete, [("u",)]))
    assert found.error is None
    assert found.attempts == len(wire.requests) == 5


async def test_a_retry_that_finds_the_user_gone_is_a_success() -> None:
    async with Wire(close, problem(404)) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=FAST) as client:
            [found] = await outcomes(client.many(client.users.delete, [("u",)]))
    assert (found.error, found.attempts) == (None, 2)


async def test_an_unreadable_response_counts_as_applied() -> None:
    async with Wire(answer(200, b"<html>")) as wire, MonoCloudClient(wire.url, KEY) as client:
        [found] = await outcomes(client.many(client.users.delete, [("u",)]))
    assert isinstance(found.error, ResponseDecodeError)
    assert found.may_have_been_applied
    assert len(wire.requests) == 1


async def test_a_wrong_key_ends_the_run() -> None:
    async with Wire(problem(401)) as wire, MonoCloudClient(wire.url, KEY) as client:
        with pytest.raises(UnauthorizedError):
            await outcomes(client.many(client.users.delete, [("u",), ("v",)], concurrency=1))
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    ("row", "given"),
    [
        ((), "tuple of length 0"),
        (("a", "b"), "tuple of length 2"),
        ("a", "str"),
        ({"user": "a"}, "dict with other names"),
        ({"user_id": "a", "x": 1}, "dict with other names"),
        (None, "NoneType"),
    ],
)
async def test_a_row_with_the_wrong_arguments_fails_and_is_not_sent(row: Any, given: str) -> None:
    async with Wire(EMPTY) as wire, MonoCloudClient(wire.url, KEY) as client:
        rows: list[Any] = [row, ("a",)]
        found = await outcomes(client.many(client.users.delete, rows))
    assert str(found[0].error) == (
        f"rows[0] must be a tuple (user_id,), not {given}; nothing was sent"
    )
    assert len(wire.requests) == 1


async def test_a_tuple_for_keyword_only_arguments_is_refused() -> None:
    async with Wire(EMPTY) as wire, MonoCloudClient(wire.url, KEY) as client:
        rows: list[Any] = [("ada",)]
        found = await outcomes(client.many(client.users.create, rows))
    assert str(found[0].error) == (
        "rows[0] must be a mapping, such as {'username': …}, not tuple of length 1; "
        "nothing was sent"
    )
    assert wire.requests == []


async def test_methods_that_cannot_take_rows_are_refused_at_once() -> None:
    async with Wire(EMPTY) as wire, MonoCloudClient(wire.url, KEY) as client:
        other = MonoCloudClient(wire.url, "other-key")
        many: Any = client.many
        for method, why in [
            (client.users.list, "UsersResource.list"),
            (MonoCloudClient.request, "function"),
            (print, "builtin"),
            (None, "NoneType"),
            (functools.partial(client.users.delete, "a"), "positional"),
            (other.users.delete, "of this client"),
        ]:
            with pytest.raises(InvalidArgumentError, match=f"^method must be .*{why}.*nothing was"):
                many(method, [("a",)])
        for options in ({"concurrency": 0}, {"rate": -1}):
            with pytest.raises(InvalidArgumentError, match="nothing was sent"):
                many(client.users.delete, [("a",)], **options)
        # A view has its own limits but shares the connections.
        quick = client.with_options(timeout=1.0)
        await outcomes(client.many(quick.users.delete, [("a",)]))
    assert len(wire.requests) == 1


def test_the_blocking_client_runs_many_rows() -> None:
    with served(answer()) as wire, monocloud_sync.MonoCloudClient(wire.url, KEY) as client:
        run = client.many(client.phones.set_primary, [("u", "p"), ("u", "q")], concurrency=4)
        found = sorted(run, key=lambda one: one.index)
        assert [one.error for one in found] == [None, None]
        disable = functools.partial(client.users.disable, revoke_sessions=True)
        assert [one.error for one in client.many(disable, [("u",)])] == [None]
        assert json.loads(wire.requests[-1].body) == {"revoke_sessions": True}
        rows: list[Any] = [("GET", "/users")]
        assert [one.result.status for one in client.many(client.request, rows)] == [200]
        many: Any = client.many
        for method in (client.users.list, print, None):
            with pytest.raises(InvalidArgumentError, match="method must be"):
                many(method, [("a",)])
    assert len(wire.requests) == 4
