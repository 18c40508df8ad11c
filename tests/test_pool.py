"""Connections and slots: no call loses one, and a closed idle connection costs nothing."""

from __future__ import annotations

import asyncio
import gc
import random
import ssl
import sys
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import trustme

from monocloud_async import (
    ConfigurationError,
    MonoCloudClient,
    RequestTimeoutError,
    RetryPolicy,
    TransportError,
    User,
)

from .calls import CALLS
from .clock import Clock, timed
from .conftest import FAST
from .wire import (
    PAGE,
    Step,
    Wire,
    Writer,
    answer,
    close,
    half_close,
    problem,
    raw,
    reset,
    served,
    silence,
    then_close,
)

KEY = "canary-6d1f3c"
ONCE = RetryPolicy(max_attempts=1)
each_call = pytest.mark.parametrize("call", ["add", "set_primary", "remove", "get"])


@asynccontextmanager
async def connected(kind: str, url: str, **options: Any) -> AsyncIterator[MonoCloudClient]:
    """Yield a client with its own connections or with a session that the caller lends."""
    if kind == "own":
        async with MonoCloudClient(url, KEY, **options) as client:
            yield client
    else:
        async with aiohttp.ClientSession() as session:
            async with MonoCloudClient(url, KEY, session=session, **options) as client:
                yield client


both_kinds = pytest.mark.parametrize("kind", ["own", "lent"])


# Idle connections that the server closed


@both_kinds
@each_call
@pytest.mark.parametrize("ending", [close, reset, half_close])
async def test_an_idle_connection_that_was_closed_costs_nothing(
    ending: Step, call: str, kind: str
) -> None:
    clock = Clock()
    async with Wire(answer()) as wire, connected(kind, wire.url, retry=ONCE) as client:
        timed(client, clock)
        await CALLS[call](client)
        await wire.on_open(ending)
        if ending is not half_close:
            await settled(wire, 0)
        user = await CALLS[call](client)
    assert user.response
    assert (user.response.attempts, len(wire.requests), wire.connections) == (1, 2, 2)
    assert clock.waits == []


@both_kinds
@each_call
@pytest.mark.parametrize("ending", [close, reset, half_close])
async def test_an_idle_connection_closed_while_the_loop_was_blocked_costs_nothing(
    ending: Step, call: str, kind: str
) -> None:
    clock = Clock()
    with served(answer()) as wire:
        async with connected(kind, wire.url, retry=ONCE) as client:
            timed(client, clock)
            await CALLS[call](client)
            wire.on_open_from_outside(ending)
            user = await CALLS[call](client)
    assert user.response
    assert (user.response.attempts, len(wire.requests), wire.connections) == (1, 2, 2)
    assert clock.waits == []


@pytest.mark.parametrize("ending", [close, reset, half_close])
async def test_twenty_idle_connections_that_were_closed_cost_nothing(ending: Step) -> None:
    with served(answer()) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=ONCE) as client:
            await asyncio.gather(*(client.phones.set_primary(f"u{i}", "p") for i in range(20)))
            assert wire.connections == 20
            wire.on_open_from_outside(ending)
            await client.phones.add("u", "+441514960453")
            await asyncio.gather(*(client.phones.set_primary(f"u{i}", "p") for i in range(20)))
    assert len(wire.requests) == 41
    assert wire.connections == 40


async def test_a_close_right_after_each_response_costs_nothing() -> None:
    async def step(writer: Writer) -> None:
        await answer()(writer)
        writer.close()

    async with Wire(step) as wire, MonoCloudClient(wire.url, KEY, retry=ONCE) as client:
        for number in range(50):
            await client.phones.add(f"u{number}", "+441514960453")
    assert len(wire.requests) == wire.connections == 50


@both_kinds
@pytest.mark.parametrize("blocked", [False, True])
async def test_an_unsolicited_response_is_discarded(kind: str, blocked: bool) -> None:
    async def own(writer: Writer) -> None:
        await answer(200, {"user_id": wire.requests[-1].target.split("/")[3]})(writer)

    with served(own) as wire:
        async with connected(kind, wire.url, retry=ONCE) as client:
            assert (await client.users.get("a")).user_id == "a"
            wire.on_open_from_outside(answer(200, {"user_id": "somebody else"}))
            if not blocked:
                await asyncio.sleep(0.01)
            assert (await client.users.get("b")).user_id == "b"
    assert wire.connections == 2


@both_kinds
async def test_a_408_on_an_idle_connection_is_discarded(kind: str) -> None:
    async def farewell(writer: Writer) -> None:
        await answer(408, b"", Connection="close")(writer)
        writer.close()

    with served(answer()) as wire:
        async with connected(kind, wire.url, retry=ONCE) as client:
            await client.users.get("u")
            wire.on_open_from_outside(farewell)
            user = await client.phones.add("u", "+441514960453")
    assert user.response
    assert (user.response.attempts, len(wire.requests), wire.connections) == (1, 2, 2)


@both_kinds
async def test_a_connection_closed_during_reuse_is_retried_without_a_wait(kind: str) -> None:
    clock = Clock()
    async with Wire(answer(), close, answer()) as wire, connected(kind, wire.url) as client:
        timed(client, clock)
        await client.phones.set_primary("u", "p")
        user = await client.phones.set_primary("u", "p")
    assert user.response
    assert user.response.attempts == 2
    assert clock.waits == [0.0]
    assert (wire.connections, len(wire.requests)) == (2, 3)


HEAD_THEN_RESET = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")


async def reset_within_the_answer(writer: Writer) -> None:
    await HEAD_THEN_RESET(writer)
    # Only once the client has read the head, because a reset discards unread data.
    await asyncio.sleep(0.05)
    await reset(writer)


JUNK = raw(b"junk\r\n\r\n")
BAD_LENGTH = raw(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n")


@pytest.mark.parametrize("failure", [silence, reset_within_the_answer, JUNK, BAD_LENGTH])
async def test_other_failures_of_a_reused_connection_wait_as_usual(
    failure: Step,
) -> None:
    clock = Clock()
    async with Wire(answer(), failure, answer()) as wire:
        policy = RetryPolicy(base_delay=1.0)
        client = timed(MonoCloudClient(wire.url, KEY, retry=policy, timeout=0.3), clock)
        async with client:
            await client.phones.set_primary("u", "p")
            await client.phones.set_primary("u", "p")
    assert len(clock.waits) == 1
    assert 0 < clock.waits[0] < 1


@both_kinds
@each_call
async def test_each_request_sent_counts_as_an_attempt(call: str, kind: str) -> None:
    async with Wire(answer(), close) as wire, connected(kind, wire.url, retry=ONCE) as client:
        await client.users.get("u")
        with pytest.raises(Exception, match="closed the connection without a response") as caught:
            await CALLS[call](client)
    assert caught.value.attempts == 1  # type: ignore[attr-defined]
    assert len(wire.requests) == 2


async def test_a_lent_session_keeps_its_setup() -> None:
    seen: list[str] = []

    async def started(_: object, context: Any, params: aiohttp.TraceRequestStartParams) -> None:
        seen.append(params.method)

    traces = aiohttp.TraceConfig()
    traces.on_request_start.append(started)
    headers = {"X-Extra": "1"}
    async with Wire(answer(200, PAGE, Set_Cookie="a=b; Path=/")) as wire:
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(
            trace_configs=[traces], headers=headers, cookie_jar=jar
        ) as session:
            async with MonoCloudClient(wire.url, KEY, session=session) as client:
                await client.users.get("u")
                await client.phones.remove("u", "p")
            assert not session.closed
            assert len(jar) == 1
            async with session.get(wire.url) as response:
                assert response.status == 200
    assert seen == ["GET", "DELETE", "GET"]
    assert [request.headers["X-Extra"] for request in wire.requests] == ["1", "1", "1"]
    assert wire.connections == 1


# Waiting for a slot


async def test_calls_stay_within_the_connection_limit_and_get_their_own_responses() -> None:
    running = 0
    most = 0

    async def step(writer: Writer) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        target = wire.requests[-1].target
        running -= 1
        await answer(200, {"user_id": target.split("/")[3]})(writer)

    async with Wire(step) as wire, MonoCloudClient(wire.url, KEY, max_connections=5) as client:
        users = await asyncio.gather(*(client.users.get(f"u{i}") for i in range(100)))
    assert len(wire.requests) == 100
    assert wire.connections <= 5
    assert most <= 5
    assert len(users) == 100


def limits(kind: str) -> dict[str, Any]:
    if kind == "own":
        return {"max_connections": 1}
    connector = aiohttp.TCPConnector(**{kind: 1})
    return {"session": aiohttp.ClientSession(connector=connector)}


@pytest.mark.parametrize("kind", ["own", "limit", "limit_per_host"])
async def test_waiting_for_a_connection_does_not_count_towards_the_timeout(kind: str) -> None:
    release = asyncio.Event()

    async def slow(writer: Writer) -> None:
        await release.wait()
        await answer()(writer)

    options = limits(kind)
    async with Wire(slow, answer()) as wire:
        async with MonoCloudClient(wire.url, KEY, **options) as client:
            first = asyncio.create_task(client.phones.set_primary("a", "p"))
            await wire.arrived.wait()
            policy = RetryPolicy(max_attempts=1, deadline=0.2)
            with pytest.raises(RequestTimeoutError, match="waiting for one of 1 conn") as caught:
                await client.with_options(retry=policy).phones.set_primary("b", "p")
            assert (caught.value.attempts, caught.value.may_have_been_applied) == (0, False)
            quick = client.with_options(timeout=0.3, retry=ONCE)
            waiting = asyncio.create_task(quick.phones.set_primary("c", "p"))
            await asyncio.sleep(0.4)
            release.set()
            await asyncio.gather(first, waiting)
    assert [request.target.split("/")[3] for request in wire.requests] == ["a", "c"]
    assert wire.connections == 1
    if "session" in options:
        await options["session"].close()


async def test_the_deadline_holds_for_each_of_many_waiting_calls() -> None:
    async with Wire(silence) as wire:
        policy = RetryPolicy(max_attempts=1, deadline=0.3)
        async with MonoCloudClient(wire.url, KEY, max_connections=1, retry=policy) as client:
            began = time.monotonic()
            results = await asyncio.gather(
                *(client.phones.set_primary(f"u{i}", "p") for i in range(100)),
                return_exceptions=True,
            )
            assert time.monotonic() - began < 2.0
    assert all(isinstance(result, RequestTimeoutError) for result in results)
    # The first call's slot goes to one with hardly any time left, which may be sent too.
    in_doubt = sum(result.may_have_been_applied for result in results)  # type: ignore[union-attr]
    assert 1 <= len(wire.requests) <= in_doubt < 20


# Cancelling


async def cancelled_after(steps: int, call: Awaitable[User]) -> bool:
    """Cancel a call after some steps of the loop; return whether it was still running."""
    task = asyncio.ensure_future(call)
    for _ in range(steps):
        if task.done():
            await task
            return False
        await asyncio.sleep(0)
    if not task.cancel():
        await task
        return False
    await asyncio.wait([task])
    assert task.cancelled()
    return True


async def settled(wire: Wire, most: int) -> None:
    """Wait until the server has at most this many open connections."""
    for _ in range(1000):
        if len(wire.open) <= most:
            return
        await asyncio.sleep(0.001)
    raise AssertionError(f"{len(wire.open)} connections are open")


SITUATIONS: dict[str, tuple[list[Step], int]] = {
    "first": ([answer()], 0),
    "kept": ([answer()], 1),
    "retried": ([problem(503), close, problem(429), answer()], 0),
    "cut off": ([then_close(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")), answer()], 1),
}


@both_kinds
@pytest.mark.parametrize("situation", SITUATIONS)
async def test_a_call_cancelled_at_any_point_leaves_nothing_behind(
    situation: str, kind: str
) -> None:
    steps, before = SITUATIONS[situation]
    policy = RetryPolicy(max_attempts=4, base_delay=0.0)
    options: dict[str, Any] = {"retry": policy, "max_connections": 1}
    for number in range(1000):
        async with Wire(*[answer()] * before, *steps) as wire:
            async with connected(kind, wire.url, **options) as client:
                for _ in range(before):
                    await client.users.get("before")
                call = client.phones.set_primary("u", "p")
                cancelled = await cancelled_after(number, call)
                # The slot is free, so the next call does not have to wait.
                wire.script(answer())
                user = await asyncio.wait_for(client.users.get("after"), 5)
                assert user.user_id
                await settled(wire, 1)
            await settled(wire, 0)
        if not cancelled:
            break
        gc.collect()
    assert number >= {"first": 5, "kept": 3, "retried": 15, "cut off": 6}[situation]


async def test_a_call_cancelled_at_any_point_of_a_tls_handshake_leaves_nothing_behind() -> None:
    authority = trustme.CA()
    serving, trusting = _contexts(authority)
    for number in range(1000):
        async with Wire(answer(), tls=serving) as wire:
            client = MonoCloudClient(wire.url, KEY, ssl_context=trusting, max_connections=1)
            async with client:
                cancelled = await cancelled_after(number, client.phones.set_primary("u", "p"))
                assert (await asyncio.wait_for(client.users.get("after"), 5)).user_id
                await settled(wire, 1)
            await settled(wire, 0)
        if not cancelled:
            break
    assert number >= 8


@pytest.mark.parametrize("release_at", range(0, 12, 3))
async def test_a_wait_for_a_slot_cancelled_at_any_point_passes_the_slot_on(
    release_at: int,
) -> None:
    for number in range(40):
        release = asyncio.Event()

        async def held(writer: Writer, release: asyncio.Event = release) -> None:
            await release.wait()
            await answer()(writer)

        async with Wire(held, answer()) as wire:
            async with MonoCloudClient(wire.url, KEY, max_connections=1) as client:
                first = asyncio.create_task(client.users.get("first"))
                await wire.arrived.wait()
                waiting = asyncio.create_task(client.users.get("cancelled"))
                behind = asyncio.create_task(client.users.get("behind"))
                for step in range(max(number, release_at) + 1):
                    if step == release_at:
                        release.set()
                    if step == number:
                        cancelled = waiting.cancel()
                    await asyncio.sleep(0)
                await asyncio.wait_for(asyncio.gather(first, behind), 5)
                await asyncio.wait([waiting])
                assert waiting.cancelled() is cancelled
                assert (await asyncio.wait_for(client.users.get("after"), 5)).user_id
            await settled(wire, 0)


async def test_calls_are_served_while_many_others_are_cancelled() -> None:
    chance = random.Random(3)
    async with Wire(answer(), answer()) as wire:
        async with MonoCloudClient(wire.url, KEY, max_connections=3) as client:
            for _ in range(20):
                calls = [asyncio.create_task(client.users.get(f"u{i}")) for i in range(30)]
                doomed = chance.sample(calls, 15)
                for task in doomed:
                    for _ in range(chance.randrange(6)):
                        await asyncio.sleep(0)
                    task.cancel()
                done, pending = await asyncio.wait(calls, timeout=10)
                assert not pending
                assert all(task.cancelled() or task.result() for task in done)
                assert all(task.done() and not task.cancelled() for task in set(calls) - {*doomed})
                await settled(wire, 3)
        await settled(wire, 0)


@both_kinds
async def test_cancelling_a_call_releases_its_connection_and_slot(kind: str) -> None:
    async with Wire(silence, answer()) as wire:
        async with connected(kind, wire.url, max_connections=1) as client:
            call = asyncio.create_task(client.phones.set_primary("u", "p"))
            await wire.arrived.wait()
            waiting = asyncio.create_task(client.phones.set_primary("v", "p"))
            await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await wire.left.wait()
            assert (await waiting).user_id
            abandoned = asyncio.create_task(client.phones.set_primary("w", "p"))
            abandoned.cancel()
            with pytest.raises(asyncio.CancelledError):
                await abandoned
            await client.phones.set_primary("x", "p")
    assert [request.target.split("/")[3] for request in wire.requests] == ["u", "v", "x"]


async def test_a_wait_between_attempts_can_be_cancelled() -> None:
    asleep = asyncio.Event()

    async def sleep(_: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    clock = Clock()
    clock.sleep = sleep  # type: ignore[method-assign]
    async with Wire(answer(429, b"", Retry_After="50"), answer()) as wire:
        async with timed(MonoCloudClient(wire.url, KEY, max_connections=1), clock) as client:
            call = asyncio.create_task(client.phones.set_primary("u", "p"))
            await asleep.wait()
            assert (await client.users.get("meanwhile")).user_id
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
    assert len(wire.requests) == 2


@pytest.mark.skipif(sys.version_info < (3, 11), reason="a task cannot tell two cancellations apart")
@pytest.mark.parametrize("which", ["attempt", "queue"])
async def test_a_cancellation_at_the_moment_of_a_timeout_is_still_a_cancellation(
    which: str,
) -> None:
    loop = asyncio.get_running_loop()
    async with Wire(silence) as wire:
        policy = RetryPolicy(deadline=10 if which == "attempt" else 0.1, base_delay=0)
        async with MonoCloudClient(wire.url, KEY, max_connections=1, timeout=5) as client:
            limited = client.with_options(timeout=0.1, retry=policy)
            if which == "queue":
                first = asyncio.create_task(client.users.get("first"))
                await wire.arrived.wait()
            call = asyncio.create_task(limited.phones.set_primary("u", "p"))
            await asyncio.sleep(0.02)
            # Both timers are due in the same step of the loop.
            loop.call_at(loop.time() + 0.12, call.cancel)
            time.sleep(0.15)  # noqa: ASYNC251
            await asyncio.wait([call], timeout=2)
            assert call.cancelled()
            if which == "queue":
                first.cancel()
                await asyncio.wait([first])
            await settled(wire, 0)


def _contexts(authority: trustme.CA) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(serving)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    return serving, trusting


# Closing a client during calls


@both_kinds
async def test_a_client_closed_while_calls_wait_for_a_slot_refuses_the_calls(kind: str) -> None:
    async with Wire(silence) as wire:
        session = aiohttp.ClientSession() if kind == "lent" else None
        client = MonoCloudClient(wire.url, KEY, max_connections=1, session=session)
        first = asyncio.create_task(client.phones.set_primary("first", "p"))
        await wire.arrived.wait()
        waiting = asyncio.create_task(client.phones.set_primary("waiting", "p"))
        await asyncio.sleep(0)
        await client.aclose()
        if session is not None:
            await session.close()
        with pytest.raises(TransportError, match="may have been applied"):
            await first
        with pytest.raises(ConfigurationError, match=r"closed.*nothing was sent"):
            await waiting
    assert len(wire.requests) == 1


async def test_a_client_closed_while_a_call_waits_does_not_hide_what_was_sent_before() -> None:
    sent = asyncio.Event()

    async def other(writer: Writer) -> None:
        sent.set()
        await silence(writer)

    async with Wire(close, other) as wire:
        client = MonoCloudClient(wire.url, KEY, max_connections=1, retry=FAST)
        call = asyncio.create_task(client.phones.set_primary("first", "p"))
        behind = asyncio.create_task(client.phones.set_primary("behind", "p"))
        await sent.wait()
        await client.aclose()
        for task in (call, behind):
            with pytest.raises(TransportError, match="may have been applied") as caught:
                await task
            assert caught.value.attempts == 1
    assert len(wire.requests) == 2
