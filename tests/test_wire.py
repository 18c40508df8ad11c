"""Calls over a real socket: the bytes sent, the attempts made, and how answers are handled."""

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
    RequestTimeoutError,
    ResponseDecodeError,
    RetryPolicy,
    TransportError,
    User,
)

from .clock import Clock, timed
from .conftest import FAST
from .wire import PAGE, TODAY, Wire, answer, close, problem, raw, reset, silence

KEY = "canary-6d1f3c"
ONCE = RetryPolicy(max_attempts=1)


# Requests


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
async def test_a_call_without_a_body_sends_only_its_headers(
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


async def test_a_call_with_a_body_sends_json(wire: Wire) -> None:
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


# Answers


async def test_a_record_carries_its_response() -> None:
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
        (b"<html>hello", "it is not JSON", None),
        (b'{"user_id": "u"', "it is not JSON", None),
        (b"\xff", "it is not JSON", None),
        (b"null", "expected an object, got null at $", "$"),
        (b"[]", "expected an object, got an array at $", "$"),
        (b'{"user_id": null}', "expected a string, got null at $.user_id", "$.user_id"),
        (b"{}", "required member missing at $.user_id", "$.user_id"),
    ],
)
async def test_an_unreadable_success_is_reported_as_applied_and_not_retried(
    body: bytes, reason: str, path: str | None
) -> None:
    async with Wire(answer(200, body, Traceparent="t1")) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=FAST) as client:
            with pytest.raises(ResponseDecodeError) as caught:
                await client.phones.set_primary("u", "p")
            with pytest.raises(ResponseDecodeError) as read:
                await client.users.get("u")
    error = caught.value
    assert "the server responded with 200, so the change was applied" in str(error)
    assert reason in str(error)
    assert "(trace t1)" in str(error)
    assert "applied" not in str(read.value)
    assert (error.status, error.body, error.path) == (200, body, path)
    assert error.__context__ is None
    assert len(wire.requests) == 2


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b'{"status": 200, "title": 7}'])
async def test_a_malformed_problem_still_raises_the_error_of_its_status(body: bytes) -> None:
    async with Wire(answer(404, body)) as wire, MonoCloudClient(wire.url, KEY) as client:
        with pytest.raises(NotFoundError) as caught:
            await client.phones.set_primary("u", "p")
    assert str(caught.value) == "phones.set_primary: 404 Not Found"
    assert not caught.value.may_have_been_applied


@pytest.mark.parametrize("ending", [close, reset])
async def test_a_refusal_that_breaks_off_is_still_a_refusal(ending: Any) -> None:
    head = raw(b"HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\n{")

    async def step(writer: Any) -> None:
        await head(writer)
        await ending(writer)

    async with Wire(step) as wire, MonoCloudClient(wire.url, KEY) as client:
        with pytest.raises((NotFoundError, TransportError)) as caught:
            await client.phones.set_primary("u", "p")
        # A reset may overtake the status line; a closed connection cannot.
        assert isinstance(caught.value, NotFoundError) or ending is reset


async def test_a_refusal_whose_body_never_arrives_is_still_a_refusal() -> None:
    step = raw(b"HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\n{")
    async with Wire(step) as wire, MonoCloudClient(wire.url, KEY, timeout=0.2) as client:
        with pytest.raises(NotFoundError):
            await client.phones.set_primary("u", "p")
        assert len(wire.requests) == 1


# Timeouts


async def test_the_attempt_timeout_includes_the_body() -> None:
    drip = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    for step in (silence, drip):
        async with Wire(step) as wire:
            client = MonoCloudClient(wire.url, KEY, timeout=0.1, retry=ONCE)
            async with client:
                with pytest.raises(RequestTimeoutError) as caught:
                    await client.phones.set_primary("u", "p")
            assert "no response within the attempt's timeout of 0.1 s" in str(caught.value)
            assert caught.value.may_have_been_applied
            assert isinstance(caught.value, TimeoutError)
            assert len(wire.requests) == 1


async def test_the_deadline_covers_the_whole_call() -> None:
    policy = RetryPolicy(max_attempts=100, base_delay=0.0, deadline=0.6)
    async with Wire(silence) as wire:
        async with MonoCloudClient(wire.url, KEY, timeout=0.4, retry=policy) as client:
            began = asyncio.get_running_loop().time()
            with pytest.raises(RequestTimeoutError, match=r"call's deadline of 0\.6 s"):
                await client.phones.set_primary("u", "p")
            assert 0.59 < asyncio.get_running_loop().time() - began < 2.0
    assert len(wire.requests) == 2


async def test_nothing_is_sent_once_the_deadline_has_passed() -> None:
    clock = Clock()

    async def oversleep(seconds: float) -> None:
        await clock.sleep(seconds + 100.0)

    async with Wire(answer(), problem(503), answer()) as wire:
        client = timed(MonoCloudClient(wire.url, KEY), clock)
        client._use(attrs.evolve(client._caller, sleep=oversleep), owner=True)
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

        client._use(attrs.evolve(client._caller, sleep=close_meanwhile), owner=True)
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
    assert "the client was closed during the call" in str(caught.value)
    assert (caught.value.attempts, len(wire.requests)) == (1, 1)


async def test_a_stalled_connection_attempt_has_sent_nothing(
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


# Logs and errors


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
async def test_no_error_contains_the_key(step: Any) -> None:
    async with Wire(step) as wire, MonoCloudClient(wire.url, KEY, retry=FAST) as client:
        with pytest.raises(monocloud_async.MonoCloudError) as caught:
            await client.phones.set_primary("u", "p")
    error: BaseException | None = caught.value
    seen = 0
    while error is not None:
        report = traceback.TracebackException.from_exception(error, capture_locals=True)
        assert KEY not in "".join(report.format()) + repr(error) + repr(vars(error))
        error = error.__cause__ or error.__context__
        seen += 1
    assert seen == 1
