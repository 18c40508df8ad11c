"""What goes over a real socket: the bytes sent, the attempts made, what is made of answers."""

from __future__ import annotations

import asyncio
import json
import logging
import platform
import traceback
from typing import Any
from urllib.parse import unquote

import aiohttp
import attrs
import pytest

import monocloud_async
from monocloud_async import (
    APIError,
    MonoCloudClient,
    NotFoundError,
    RateLimitedError,
    RequestTimeoutError,
    ResponseDecodeError,
    RetryPolicy,
    ServerError,
    TransportError,
    User,
)

from .clock import Clock, timed
from .conftest import FAST
from .wire import PAGE, TODAY, Wire, answer, close, problem, raw, reset, silence, then_close

KEY = "canary-6d1f3c"
ONCE = RetryPolicy(max_attempts=1)


# What is sent


@pytest.mark.parametrize(
    ("call", "args", "method", "path"),
    [
        ("users.get", ("u",), "GET", "/api/users/u"),
        ("phones.set_primary", ("u", "p"), "POST", "/api/users/u/phones/p/primary"),
        ("phones.set_verified", ("u", "p"), "POST", "/api/users/u/phones/p/verify"),
        ("phones.set_unverified", ("u", "p"), "POST", "/api/users/u/phones/p/unverify"),
        ("phones.remove", ("u", "p"), "DELETE", "/api/users/u/phones/p"),
    ],
)
async def test_a_call_without_a_body(
    call: str, args: tuple[str, ...], method: str, path: str, wire: Wire
) -> None:
    resource, name = call.split(".")
    async with MonoCloudClient(wire.url, KEY) as client:
        user = await getattr(getattr(client, resource), name)(*args)
    assert isinstance(user, User)
    assert user.to_dict() == PAGE
    (request,) = wire.requests
    assert request.line == f"{method} {path} HTTP/1.1"
    assert request.body == b""
    expected = {
        "Host": f"127.0.0.1:{wire.port}",
        "X-API-KEY": KEY,
        "Accept": "application/json, application/problem+json",
        "User-Agent": (
            f"monocloud-python/{monocloud_async.__version__} "
            f"Python/{platform.python_version()} aiohttp/{aiohttp.__version__}"
        ),
    }
    assert expected.items() <= request.headers.items()
    assert set(request.headers) - set(expected) <= {"Accept-Encoding", "Content-Length"}
    assert request.headers.get("Content-Length", "0") == "0"


async def test_a_call_with_a_body(wire: Wire) -> None:
    async with MonoCloudClient(wire.url, KEY) as client:
        await client.phones.add("u", "+441514960453", is_verified=True)
    (request,) = wire.requests
    assert request.line == "POST /api/users/u/phones HTTP/1.1"
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body) == {
        "phone_number": "+441514960453",
        "is_verified": True,
        "skip_restriction_checks": False,
    }


@pytest.mark.parametrize("given", ["a/b", "../x", "%2e%2e", "ü é", "a?b#c", "-", "...", "+1"])
async def test_an_id_arrives_as_one_segment(given: str, wire: Wire) -> None:
    async with MonoCloudClient(wire.url, KEY) as client:
        await client.phones.remove("u", given)
    segments = wire.requests[0].target.split("/")
    assert segments[:-1] == ["", "api", "users", "u", "phones"]
    assert unquote(segments[-1]) == given


async def test_cookies_are_not_kept() -> None:
    async with Wire(answer(Set_Cookie="a=b; Path=/")) as wire:
        async with MonoCloudClient(wire.url, KEY) as client:
            await client.users.get("u")
            await client.users.get("u")
    assert "Cookie" not in wire.requests[1].headers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int, wire: Wire) -> None:
    async with Wire(answer(status, b"", Location=f"{wire.url}/elsewhere")) as first:
        async with MonoCloudClient(first.url, KEY) as client:
            with pytest.raises(APIError, match="check the domain") as caught:
                await client.phones.set_primary("u", "p")
    assert (caught.value.status, len(first.requests), wire.connections) == (status, 1, 0)


async def test_no_netrc_is_read(wire: Wire, tmp_path: Any, monkeypatch: Any) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login user password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    async with MonoCloudClient(wire.url, KEY) as client:
        await client.users.get("u")
    assert "Authorization" not in wire.requests[0].headers


# What comes back


async def test_a_record_knows_the_answer_that_it_came_in() -> None:
    step = answer(200, TODAY, Traceparent="00-a-b-01", X_RateLimit_Remaining="9")
    async with Wire(problem(503), step) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=FAST) as client:
            user = await client.phones.set_primary("u", "p")
    assert user.response
    assert user.response.status == 200
    assert user.response.trace_id == "00-a-b-01"
    assert user.response.headers["x-ratelimit-remaining"] == "9"
    assert user.response.attempts == 2
    assert 0 < user.response.elapsed < 10
    assert user == User.from_dict(TODAY)
    assert "response" not in repr(user)
    assert user.to_dict() == TODAY


@pytest.mark.parametrize(
    ("body", "reason", "path"),
    [
        (b"", "it is empty", None),
        (b"<html>hello", "it is no JSON", None),
        (b'{"user_id": "u"', "it is no JSON", None),
        (b"\xff", "it is no JSON", None),
        (b"null", "expected an object, got null at $", "$"),
        (b"[]", "expected an object, got an array at $", "$"),
        (b'{"user_id": null}', "expected a string, got null at $.user_id", "$.user_id"),
        (b"{}", "required member missing at $.user_id", "$.user_id"),
    ],
)
async def test_a_yes_that_cannot_be_read_is_said_to_be_applied_and_not_sent_again(
    body: bytes, reason: str, path: str | None
) -> None:
    async with Wire(answer(200, body, Traceparent="t1")) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=FAST) as client:
            with pytest.raises(ResponseDecodeError) as caught:
                await client.phones.set_primary("u", "p")
            with pytest.raises(ResponseDecodeError) as read:
                await client.users.get("u")
    error = caught.value
    assert "the server answered 200, so the change was applied" in str(error)
    assert reason in str(error)
    assert "(trace t1)" in str(error)
    assert "applied" not in str(read.value)
    assert (error.status, error.body, error.path) == (200, body, path)
    assert error.__context__ is None
    assert len(wire.requests) == 2


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b'{"status": 200, "title": 7}'])
async def test_a_malformed_problem_is_still_of_its_status(body: bytes) -> None:
    async with Wire(answer(404, body)) as wire, MonoCloudClient(wire.url, KEY) as client:
        with pytest.raises(NotFoundError) as caught:
            await client.phones.set_primary("u", "p")
    assert str(caught.value) == "phones.set_primary: 404 Not Found"
    assert not caught.value.may_have_been_applied


@pytest.mark.parametrize("ending", [close, reset])
async def test_a_no_that_breaks_off_is_still_a_no(ending: Any) -> None:
    head = raw(b"HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\n{")

    async def step(writer: Any) -> None:
        await head(writer)
        await ending(writer)

    async with Wire(step) as wire, MonoCloudClient(wire.url, KEY) as client:
        with pytest.raises((NotFoundError, TransportError)) as caught:
            await client.phones.set_primary("u", "p")
        # A reset may overtake the status line; a closed connection cannot.
        assert isinstance(caught.value, NotFoundError) or ending is reset


async def test_a_no_whose_body_never_comes_is_still_a_no() -> None:
    step = raw(b"HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\n{")
    async with Wire(step) as wire, MonoCloudClient(wire.url, KEY, timeout=0.2) as client:
        with pytest.raises(NotFoundError):
            await client.phones.set_primary("u", "p")
        assert len(wire.requests) == 1


# What is repeated


@pytest.mark.parametrize(
    "failure",
    [
        close,
        reset,
        then_close(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")),
        then_close(raw(b"SSH-2.0-OpenSSH_9.2\r\n")),
        then_close(raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000 + b"\r\n\r\n")),
        problem(408),
        problem(429),
        problem(500),
        problem(502),
        problem(503),
        problem(504),
    ],
)
@pytest.mark.parametrize("call", ["get", "set_primary", "remove"])
async def test_a_repeatable_operation_is_tried_again(failure: Any, call: str) -> None:
    async with Wire(failure, failure, answer()) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=FAST) as client:
            if call == "get":
                user = await client.users.get("u")
            else:
                user = await getattr(client.phones, call)("u", "p")
    assert user.response
    assert user.response.attempts == len(wire.requests) == 3
    assert len({request.line for request in wire.requests}) == 1


@pytest.mark.parametrize("failure", [close, reset, problem(500), problem(503), problem(408)])
async def test_adding_is_sent_once_and_the_error_says_what_is_not_known(failure: Any) -> None:
    async with Wire(failure, answer()) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=FAST) as client:
            with pytest.raises((TransportError, ServerError, APIError)) as caught:
                await client.phones.add("u", "+441514960453")
    assert len(wire.requests) == 1
    assert caught.value.may_have_been_applied
    assert "may have been applied" in str(caught.value)


async def test_adding_is_sent_again_where_the_server_says_that_it_was_not_taken() -> None:
    async with Wire(problem(429), answer()) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=FAST) as client:
            await client.phones.add("u", "+441514960453")
    assert len(wire.requests) == 2


async def test_adding_is_sent_again_where_nothing_was_sent(unused_port: int) -> None:
    clock = Clock()
    client = timed(MonoCloudClient(f"http://127.0.0.1:{unused_port}", KEY), clock)
    async with client:
        with pytest.raises(TransportError, match=r"no connection to 127\.0\.0\.1") as caught:
            await client.phones.add("u", "+441514960453")
    assert caught.value.attempts == 3
    assert not caught.value.may_have_been_applied
    assert len(clock.waits) == 2
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("status", [302, 400, 401, 402, 403, 404, 405, 409, 422, 501, 505])
async def test_what_will_not_get_better_is_not_repeated(status: int) -> None:
    async with Wire(problem(status)) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=FAST) as client:
            with pytest.raises(APIError) as caught:
                await client.phones.set_primary("u", "p")
    assert (caught.value.status, caught.value.attempts, len(wire.requests)) == (status, 1, 1)


async def test_attempts_are_counted_in_the_error() -> None:
    async with Wire(problem(503, traceId="t9")) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=FAST) as client:
            with pytest.raises(ServerError) as caught:
                await client.phones.set_primary("u", "p")
    assert caught.value.attempts == len(wire.requests) == 3
    assert "(after 3 attempts)" in str(caught.value)
    assert caught.value.may_have_been_applied
    assert caught.value.trace_id == "t9"


async def test_a_removal_that_was_lost_and_then_not_found_is_in_doubt() -> None:
    async with Wire(close, problem(404)) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=FAST) as client:
            with pytest.raises(NotFoundError) as caught:
                await client.phones.remove("u", "p")
            assert caught.value.may_have_been_applied
            with pytest.raises(NotFoundError) as caught:
                await client.phones.remove("u", "p")
            assert not caught.value.may_have_been_applied


async def test_a_read_changes_nothing_however_it_fails() -> None:
    async with Wire(close) as wire, MonoCloudClient(wire.url, KEY, retry=FAST) as client:
        with pytest.raises(TransportError) as caught:
            await client.users.get("u")
    assert not caught.value.may_have_been_applied


async def test_waits_are_what_the_server_asks_and_never_less() -> None:
    clock = Clock()
    async with Wire(answer(429, b"", Retry_After="7"), problem(503), answer()) as wire:
        client = timed(MonoCloudClient(wire.url, KEY), clock)
        async with client:
            await client.phones.set_primary("u", "p")
    assert 7.0 <= clock.waits[0] <= 7.5
    assert 0.0 <= clock.waits[1] <= 1.0


@pytest.mark.parametrize(("asked", "deadline"), [("61", 600.0), ("50", 40.0)])
async def test_a_wait_that_is_too_long_is_the_caller_s(asked: str, deadline: float) -> None:
    clock = Clock()
    async with Wire(answer(429, b"", Retry_After=asked)) as wire:
        client = timed(MonoCloudClient(wire.url, KEY, retry=RetryPolicy(deadline=deadline)), clock)
        async with client:
            with pytest.raises(RateLimitedError, match=rf"asks to wait {asked} s") as caught:
                await client.phones.set_primary("u", "p")
    assert caught.value.retry_after == float(asked)
    assert (clock.waits, len(wire.requests)) == ([], 1)


async def test_no_wait_goes_past_the_deadline() -> None:
    clock = Clock()
    policy = RetryPolicy(max_attempts=100, base_delay=8.0, deadline=30.0)
    async with Wire(problem(503)) as wire:
        client = timed(MonoCloudClient(wire.url, KEY, retry=policy), clock)
        async with client:
            with pytest.raises(ServerError):
                await client.phones.set_primary("u", "p")
    assert clock.now < 30.0
    assert len(wire.requests) == len(clock.waits) + 1


async def test_an_outage_gets_no_retry_storm() -> None:
    async with Wire(problem(503)) as wire, MonoCloudClient(wire.url, KEY, retry=FAST) as client:
        results = await asyncio.gather(
            *(client.phones.set_primary(f"u{i}", "p") for i in range(200)),
            return_exceptions=True,
        )
    assert all(isinstance(result, ServerError) for result in results)
    assert len(wire.requests) == 200 + 500 // 14


async def test_a_connection_that_went_stale_costs_no_wait() -> None:
    clock = Clock()
    async with Wire(answer(), close, answer()) as wire:
        client = timed(MonoCloudClient(wire.url, KEY), clock)
        async with client:
            await client.phones.set_primary("u", "p")
            user = await client.phones.set_primary("u", "p")
    assert user.response
    assert user.response.attempts == 2
    assert clock.waits == [0.0]
    assert (wire.connections, len(wire.requests)) == (2, 3)


@pytest.mark.parametrize("call", ["users.get", "phones.remove"])
async def test_nothing_is_sent_again_behind_our_back(call: str) -> None:
    resource, name = call.split(".")
    async with Wire(answer(), close) as wire, MonoCloudClient(wire.url, KEY, retry=ONCE) as client:
        await client.users.get("u")
        method = getattr(getattr(client, resource), name)
        with pytest.raises(TransportError) as caught:
            await method(*(("u",) if name == "get" else ("u", "p")))
    assert caught.value.attempts == 1
    assert len(wire.requests) == 2


# Limits of time


async def test_an_attempt_has_its_time_body_included() -> None:
    drip = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    for step in (silence, drip):
        async with Wire(step) as wire:
            client = MonoCloudClient(wire.url, KEY, timeout=0.1, retry=ONCE)
            async with client:
                with pytest.raises(RequestTimeoutError) as caught:
                    await client.phones.set_primary("u", "p")
            assert "no answer within the attempt's timeout of 0.1 s" in str(caught.value)
            assert caught.value.may_have_been_applied
            assert isinstance(caught.value, TimeoutError)
            assert len(wire.requests) == 1


async def test_the_deadline_is_for_the_whole_call() -> None:
    policy = RetryPolicy(max_attempts=100, base_delay=0.0, deadline=0.3)
    async with Wire(silence) as wire:
        async with MonoCloudClient(wire.url, KEY, timeout=0.2, retry=policy) as client:
            began = asyncio.get_running_loop().time()
            with pytest.raises(RequestTimeoutError, match=r"call's deadline of 0\.3 s"):
                await client.phones.set_primary("u", "p")
            assert 0.29 < asyncio.get_running_loop().time() - began < 2.0
    assert len(wire.requests) == 2


async def test_nothing_is_sent_once_the_deadline_has_passed() -> None:
    clock = Clock()

    async def oversleep(seconds: float) -> None:
        await clock.sleep(seconds + 100.0)

    async with Wire(answer(), problem(503), answer()) as wire:
        client = timed(MonoCloudClient(wire.url, KEY), clock)
        client._use(attrs.evolve(client._transport, sleep=oversleep), owner=True)
        async with client:
            await client.phones.set_primary("u", "p")
            with pytest.raises(RequestTimeoutError, match="deadline of 60 s") as caught:
                await client.phones.set_primary("u", "p")
    assert len(wire.requests) == 2
    assert caught.value.may_have_been_applied


async def test_a_client_closed_between_attempts_does_not_hide_what_was_sent() -> None:
    async with Wire(close, answer()) as wire:
        client = MonoCloudClient(wire.url, KEY)

        async def close_meanwhile(_: float) -> None:
            await client.aclose()

        client._use(attrs.evolve(client._transport, sleep=close_meanwhile), owner=True)
        with pytest.raises(TransportError, match="may have been applied") as caught:
            await client.phones.set_primary("u", "p")
    assert (caught.value.attempts, len(wire.requests)) == (1, 1)


async def test_a_client_closed_during_a_call_does_not_hide_that_it_was_sent() -> None:
    async with Wire(silence) as wire:
        client = MonoCloudClient(wire.url, KEY, retry=FAST)
        call = asyncio.create_task(client.phones.set_primary("u", "p"))
        await wire.arrived.wait()
        await client.aclose()
        with pytest.raises(TransportError, match="may have been applied") as caught:
            await call
    assert (caught.value.attempts, len(wire.requests)) == (1, 1)


async def test_a_wait_for_a_connection_is_not_the_server_s_slowness() -> None:
    release = asyncio.Event()

    async def slow(writer: Any) -> None:
        await release.wait()
        await answer()(writer)

    policy = RetryPolicy(max_attempts=1, deadline=0.2)
    async with Wire(slow, answer()) as wire:
        async with MonoCloudClient(wire.url, KEY, max_connections=1) as client:
            first = asyncio.create_task(client.phones.set_primary("a", "p"))
            await wire.arrived.wait()
            with pytest.raises(RequestTimeoutError, match="waiting for one of 1 conn") as caught:
                await client.with_options(retry=policy).phones.set_primary("b", "p")
            assert (caught.value.attempts, caught.value.may_have_been_applied) == (0, False)
            waiting = asyncio.create_task(
                client.with_options(timeout=5).phones.set_primary("c", "p")
            )
            await asyncio.sleep(0)
            release.set()
            await asyncio.gather(first, waiting)
    assert [request.target.split("/")[3] for request in wire.requests] == ["a", "c"]
    assert wire.connections == 1


async def test_a_stalled_connection_attempt_is_known_not_to_have_been_sent(
    monkeypatch: pytest.MonkeyPatch, wire: Wire
) -> None:
    async def stuck(*args: Any, **kwargs: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(aiohttp.TCPConnector, "_create_connection", stuck)
    client = MonoCloudClient(wire.url, KEY, timeout=0.05, retry=FAST)
    async with client:
        with pytest.raises(RequestTimeoutError) as caught:
            await client.phones.add("u", "+441514960453")
    assert caught.value.attempts == 3
    assert not caught.value.may_have_been_applied


async def test_cancelling_lets_go_of_the_connection_and_its_slot() -> None:
    async with Wire(silence, answer()) as wire:
        async with MonoCloudClient(wire.url, KEY, max_connections=1) as client:
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


async def test_cancelling_a_wait_between_attempts_ends_it() -> None:
    async with Wire(answer(429, b"", Retry_After="50")) as wire:
        async with MonoCloudClient(wire.url, KEY) as client:
            call = asyncio.create_task(client.phones.set_primary("u", "p"))
            await wire.arrived.wait()
            await asyncio.sleep(0.05)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
    assert len(wire.requests) == 1


# Many at once


async def test_no_more_connections_than_allowed_and_every_call_gets_its_own_answer() -> None:
    running = 0
    most = 0

    async def step(writer: Any) -> None:
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


# What is logged and shown


async def test_a_line_is_logged_for_each_attempt(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "monocloud")
    async with Wire(close, problem(503, traceId="x"), answer(Traceparent="t1")) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=FAST) as client:
            await client.phones.set_primary("the-user", "the-phone")
    lines = [record.getMessage() for record in caplog.records if record.name == "monocloud"]
    assert len(lines) == 3
    assert lines[0].startswith("phones.set_primary attempt 1: the server closed the connection")
    assert lines[1].startswith("phones.set_primary attempt 2: 503 in ")
    assert lines[2].startswith("phones.set_primary attempt 3: 200 in ")
    assert lines[2].endswith(" ms, trace t1")
    assert not any(secret in "".join(lines) for secret in (KEY, "the-user", "the-phone", "+44"))


@pytest.mark.parametrize(
    "step", [close, problem(401), answer(200, b"{"), raw(b"junk\r\n\r\n"), answer(302, b"")]
)
async def test_no_error_holds_the_key(step: Any) -> None:
    async with Wire(step) as wire, MonoCloudClient(wire.url, KEY, retry=FAST) as client:
        with pytest.raises(monocloud_async.MonoCloudError) as caught:
            await client.phones.set_primary("u", "p")
    error: BaseException | None = caught.value
    seen = 0
    while error is not None:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        assert KEY not in "".join(told.format()) + repr(error) + repr(vars(error))
        error = error.__cause__ or error.__context__
        seen += 1
    assert seen == 1
