"""Any method over many rows: what is sent, in what order, how often, and what became of it."""

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


async def test_rows_of_one_argument_and_a_result_of_none() -> None:
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


async def test_a_record_is_no_row_and_no_rows() -> None:
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


async def test_rows_by_name_for_arguments_without_a_position() -> None:
    rows = [{"email": f"u{n}@example.com", "email_verified": True} for n in range(3)]
    async with Wire(CREATED) as wire, MonoCloudClient(wire.url, KEY) as client:
        found = await outcomes(client.many(client.users.create, rows))
    assert [one.row for one in found] == rows
    assert all(one.result == found[0].result for one in found)
    assert sorted((json.loads(r.body) for r in wire.requests), key=str) == rows


async def test_arguments_that_are_the_same_for_each_row() -> None:
    async with Wire(answer()) as wire, MonoCloudClient(wire.url, KEY) as client:
        disable = functools.partial(client.users.disable, revoke_sessions=True)
        await outcomes(client.many(disable, [("u",)]))
    assert json.loads(wire.requests[0].body) == {"revoke_sessions": True}


async def test_optional_arguments_by_position_may_be_given_or_not() -> None:
    async with Wire(answer()) as wire, MonoCloudClient(wire.url, KEY) as client:
        rows: list[Any] = [("u", "secret"), ("v",)]
        found = await outcomes(client.many(client.passwords.set, rows, concurrency=1))
    assert found[0].error is None
    assert "password or password_hash" in str(found[1].error)
    assert json.loads(wire.requests[0].body) == {"password": "secret"}


async def test_any_path_over_many_rows() -> None:
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


async def test_what_is_sent_once_is_not_repeated() -> None:
    async with Wire(close, problem(503), CREATED) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=FAST) as client:
            rows = [{"email": f"u{n}@example.com"} for n in range(3)]
            found = await outcomes(client.many(client.users.create, rows, concurrency=1))
    assert [one.may_have_been_applied for one in found] == [True, True, False]
    assert isinstance(found[0].error, TransportError)
    assert len(wire.requests) == 3


async def test_what_may_be_repeated_is_and_waits_for_its_turn_after_a_429() -> None:
    clock = Clock()
    steps = (close, problem(429), problem(429), problem(503), EMPTY)
    async with Wire(*steps) as wire:
        async with timed(MonoCloudClient(wire.url, KEY, retry=FAST), clock) as client:
            [found] = await outcomes(client.many(client.users.delete, [("u",)]))
    assert found.error is None
    assert found.attempts == len(wire.requests) == 5


async def test_a_repeat_that_finds_it_done_is_a_success() -> None:
    async with Wire(close, problem(404)) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=FAST) as client:
            [found] = await outcomes(client.many(client.users.delete, [("u",)]))
    assert (found.error, found.attempts) == (None, 2)


async def test_an_answer_that_cannot_be_read_is_an_outcome_that_was_applied() -> None:
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
async def test_a_row_of_the_wrong_width_is_an_outcome_and_is_not_sent(row: Any, given: str) -> None:
    async with Wire(EMPTY) as wire, MonoCloudClient(wire.url, KEY) as client:
        rows: list[Any] = [row, ("a",)]
        found = await outcomes(client.many(client.users.delete, rows))
    assert str(found[0].error) == (
        f"rows[0] must be a tuple (user_id,), not {given}; nothing was sent"
    )
    assert len(wire.requests) == 1


async def test_a_row_by_position_for_arguments_by_name_is_told_so() -> None:
    async with Wire(EMPTY) as wire, MonoCloudClient(wire.url, KEY) as client:
        rows: list[Any] = [("ada",)]
        found = await outcomes(client.many(client.users.create, rows))
    assert str(found[0].error) == (
        "rows[0] must be a mapping, such as {'username': …}, not tuple of length 1; "
        "nothing was sent"
    )
    assert wire.requests == []


async def test_what_cannot_be_called_for_rows_is_refused_at_once() -> None:
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
        # A view has its own limits, and the same connections.
        quick = client.with_options(timeout=1.0)
        await outcomes(client.many(quick.users.delete, [("a",)]))
    assert len(wire.requests) == 1


def test_the_blocking_client() -> None:
    with served(answer()) as wire, monocloud_sync.MonoCloudClient(wire.url, KEY) as client:
        run = client.many(client.phones.set_primary, [("u", "p"), ("u", "q")], concurrency=4)
        found = sorted(run, key=lambda one: one.index)
        assert [one.error for one in found] == [None, None]
        disable = functools.partial(client.users.disable, revoke_sessions=True)
        assert [one.error for one in client.many(disable, [("u",)])] == [None]
        assert json.loads(wire.requests[-1].body) == {"revoke_sessions": True}
        asked: list[Any] = [("GET", "/users")]
        assert [one.result.status for one in client.many(client.request, asked)] == [200]
        many: Any = client.many
        for method in (client.users.list, print, None):
            with pytest.raises(InvalidArgumentError, match="method must be"):
                many(method, [("a",)])
    assert len(wire.requests) == 4
