"""Hooks and per-call options: what they see, what they send, and what they cannot break."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import Any

import aiohttp
import attrs
import pytest

import monocloud_async
import monocloud_sync
from monocloud_async import (
    ConfigurationError,
    MonoCloudClient,
    NotFoundError,
    RequestInfo,
    RequestTimeoutError,
    ResponseInfo,
    RetryPolicy,
    TransportError,
)
from monocloud_sync.emulator import Emulator

from .conftest import FAST
from .wire import Wire, answer, close, problem, reset, seen, served, silence

TEMPLATE = "/api/users/{user_id}/phones/{identifier_id}/primary"


class Watcher:
    """Records what its hooks receive."""

    def __init__(self) -> None:
        self.requests: list[RequestInfo] = []
        self.responses: list[ResponseInfo] = []

    @property
    def hooks(self) -> dict[str, Any]:
        return {"on_request": self.requests.append, "on_response": self.responses.append}


async def test_both_hooks_see_each_attempt() -> None:
    watcher = Watcher()
    async with Wire(close, problem(503), answer(Traceparent="t1")) as wire:
        async with MonoCloudClient(wire.url, "key", retry=FAST, **watcher.hooks) as client:
            await client.phones.set_primary("u", "p")
    assert watcher.requests == [
        RequestInfo(
            operation="phones.set_primary", method="POST", url_template=TEMPLATE, attempt=number
        )
        for number in (1, 2, 3)
    ]
    assert [one.resend_count for one in watcher.responses] == [0, 1, 2]
    assert [one.status for one in watcher.responses] == [None, 503, 200]
    assert [one.trace_id for one in watcher.responses] == [None, None, "t1"]
    failures = [one.failure for one in watcher.responses]
    assert failures == ["the server closed the connection without a response", None, None]
    assert all(one.seconds >= 0 and not one.timed_out for one in watcher.responses)


async def test_coroutine_functions_are_awaited() -> None:
    order: list[str] = []

    async def before(_: RequestInfo) -> None:
        await asyncio.sleep(0)
        order.append("before")

    async def after(_: ResponseInfo) -> None:
        await asyncio.sleep(0)
        order.append("after")

    async with Wire(answer()) as wire:
        async with MonoCloudClient(wire.url, "key", on_request=before, on_response=after) as client:
            await client.users.get("u")
            order.append("returned")
    assert order == ["before", "after", "returned"]


@pytest.mark.parametrize(
    ("step", "timed_out", "error"),
    [(reset, False, TransportError), (silence, True, RequestTimeoutError)],
)
async def test_an_attempt_without_a_response_reports_why(
    step: Any, timed_out: bool, error: type[Exception]
) -> None:
    watcher = Watcher()
    once = RetryPolicy(max_attempts=1)
    async with Wire(step) as wire:
        async with MonoCloudClient(
            wire.url, "key", retry=once, timeout=0.2, **watcher.hooks
        ) as client:
            with pytest.raises(error):
                await client.users.get("u")
    (ended,) = watcher.responses
    assert ended.status is None
    assert ended.failure
    assert ended.timed_out is timed_out


def test_the_blocking_client_has_the_same_hooks() -> None:
    watcher = Watcher()
    threads: set[str] = set()
    with served(problem(503), answer()) as wire:
        with monocloud_sync.MonoCloudClient(
            wire.url,
            "key",
            retry=FAST,
            on_request=lambda _: threads.add(threading.current_thread().name),
            on_response=watcher.responses.append,
        ) as client:
            client.phones.set_primary("u", "p")
            client.with_options(on_request=watcher.requests.append).users.get("u")
    assert [one.status for one in watcher.responses] == [503, 200, 200]
    assert [one.operation for one in watcher.requests] == ["users.get"]
    assert threads == {"monocloud"}


def test_the_blocking_client_refuses_coroutine_functions() -> None:
    async def hook(_: object) -> None: ...

    class Hook:
        async def __call__(self, _: object) -> None: ...

    made = monocloud_sync.MonoCloudClient("acme.com", "key")
    for wrong in (hook, Hook()):
        with pytest.raises(ConfigurationError, match="on_request must be a plain function"):
            monocloud_sync.MonoCloudClient("acme.com", "key", on_request=wrong)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="on_response must be a plain function"):
            made.with_options(on_response=wrong)  # type: ignore[arg-type]


def test_a_blocking_hook_cannot_call_the_client(caplog: pytest.LogCaptureFixture) -> None:
    with served(answer()) as wire, monocloud_sync.MonoCloudClient(wire.url, "key") as client:

        def calls(_: RequestInfo) -> None:
            client.users.get("another")

        assert client.with_options(on_request=calls).users.get("u")
    assert len(wire.requests) == 1
    assert "would wait for itself" in caplog.text


# Errors in hooks


@pytest.mark.parametrize("name", ["on_request", "on_response"])
async def test_a_hook_that_raises_is_logged_and_the_change_is_reported(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError

    hook: Any = {name: broken}
    watcher = Watcher()
    async with (
        Wire(close, answer()) as wire,
        MonoCloudClient(wire.url, "key", retry=FAST) as client,
    ):
        view = client.with_options(**hook).with_options(**watcher.hooks)
        user = await view.phones.set_primary("u", "p")
    assert user.user_id
    assert len(watcher.requests) == len(watcher.responses) == len(wire.requests) == 2
    logged = [one for one in caplog.records if one.name == "monocloud"]
    assert [one.getMessage() for one in logged] == [
        f"{name} raised an error, and the call continues"
    ] * 2
    assert "ZeroDivisionError" in caplog.text


async def test_a_coroutine_hook_that_raises_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(_: object) -> None:
        raise ZeroDivisionError

    async with Wire(answer()) as wire, MonoCloudClient(wire.url, "key") as client:
        await client.with_options(on_response=broken).users.get("u")
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(("name", "sent"), [("on_request", 0), ("on_response", 1)])
async def test_a_cancellation_passes_through_a_hook(name: str, sent: int) -> None:
    reached = asyncio.Event()

    async def waits(_: object) -> None:
        reached.set()
        await asyncio.Event().wait()

    hook: Any = {name: waits}
    async with Wire(answer()) as wire, MonoCloudClient(wire.url, "key") as client:
        call = asyncio.create_task(client.with_options(**hook).users.get("u"))
        await reached.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert len(wire.requests) == sent
        # The connection is free again.
        await asyncio.gather(*(client.users.get("u") for _ in range(100)))


async def test_a_client_that_a_hook_closes_sends_nothing() -> None:
    async with Wire(answer()) as wire:
        client = MonoCloudClient(wire.url, "key")

        async def closes(_: object) -> None:
            await client.aclose()

        with pytest.raises(ConfigurationError, match="closed"):
            await client.with_options(on_request=closes).phones.set_primary("u", "p")
    assert wire.requests == []


async def test_a_slow_hook_counts_against_the_deadline_and_not_the_timeout() -> None:
    async def slow(_: object) -> None:
        await asyncio.sleep(0.3)

    async with Wire(answer()) as wire, MonoCloudClient(wire.url, "key") as client:
        view = client.with_options(on_request=slow, timeout=0.25)
        await view.users.get("u")
        late = view.with_options(retry=RetryPolicy(deadline=0.1))
        with pytest.raises(RequestTimeoutError, match=r"deadline of 0\.1 s"):
            await late.phones.set_primary("u", "p")
    assert len(wire.requests) == 1


# Scope of hooks and options


async def test_hooks_of_views_run_after_the_client_s() -> None:
    order: list[str] = []

    def note(name: str) -> Any:
        return lambda _: order.append(name)

    async with Wire(answer()) as wire:
        async with MonoCloudClient(wire.url, "key", on_request=note("client")) as client:
            view = client.with_options(on_request=note("view"))
            await view.with_options(on_request=note("inner"), timeout=3).users.get("u")
            await client.users.get("u")
    assert order == ["client", "view", "inner", "client"]


async def test_hooks_apply_to_bulk_runs_and_pages(running: Emulator) -> None:
    running.reset()
    watcher = Watcher()
    async with MonoCloudClient(running.url, running.api_key) as client:
        view = client.with_options(headers={"X-Correlation-Id": "c1"}, **watcher.hooks)
        rows = [(f"unknown-{n}",) for n in range(5)]
        outcomes = [one async for one in view.many(view.users.get, rows)]
        assert all(isinstance(one.error, NotFoundError) for one in outcomes)
        assert await view.users.list().collect()
    assert [one.operation for one in watcher.requests].count("users.get") == 5
    assert len(watcher.responses) == len(watcher.requests) > 5


@pytest.fixture(scope="module")
def running() -> Any:
    with Emulator() as emulator:
        yield emulator


async def test_headers_of_views_are_merged_regardless_of_case() -> None:
    async with Wire(answer()) as wire, MonoCloudClient(wire.url, "key") as client:
        view = client.with_options(headers={"X-Correlation-Id": "a", "X-Tenant": "t"})
        inner = view.with_options(headers={"x-correlation-id": "b", "User-Agent": "mine/1"})
        await inner.phones.add("u", "+441514960453")
        await view.users.get("u")
        await client.users.get("u")
    sent = [{k.lower(): v for k, v in one.headers.items()} for one in wire.requests]
    assert [one.get("x-correlation-id") for one in sent] == ["b", "a", None]
    assert [one.get("x-tenant") for one in sent] == ["t", "t", None]
    assert sent[0]["user-agent"] == "mine/1"
    assert sent[0]["content-type"] == "application/json"
    assert all(one["x-api-key"] == "key" for one in sent)
    assert wire.requests[0].header_names.count("x-correlation-id") == 1


async def test_a_header_is_sent_once_even_if_it_is_given_in_two_cases() -> None:
    async with Wire(answer()) as wire, MonoCloudClient(wire.url, "key") as client:
        twice = {"X-Correlation-Id": "a", "x-correlation-id": "b"}
        await client.with_options(headers=twice).users.get("u")
    (request,) = wire.requests
    assert request.header_names.count("x-correlation-id") == 1
    assert {k.lower(): v for k, v in request.headers.items()}["x-correlation-id"] == "b"


async def test_headers_are_sent_in_bulk_runs_and_over_a_lent_session() -> None:
    async with Wire(answer()) as wire, aiohttp.ClientSession(headers={"X-Id": "no"}) as session:
        client = MonoCloudClient(wire.url, "key", session=session).with_options(
            headers={"X-Id": "yes"}
        )
        await client.users.get("u")
        rows = [("u1",), ("u2",)]
        assert [one.error async for one in client.many(client.users.get, rows)] == [None, None]
    assert [one.headers["X-Id"] for one in wire.requests] == ["yes"] * 3


def test_the_blocking_client_sends_headers() -> None:
    with served(answer()) as wire, monocloud_sync.MonoCloudClient(wire.url, "key") as client:
        client.with_options(headers={"X-Correlation-Id": "c1"}).users.get("u")
    assert wire.requests[0].headers["X-Correlation-Id"] == "c1"


SECRET = "s3cret"


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        *(
            ({name: SECRET}, f"must not contain {name}")
            for name in (
                "X-API-KEY",
                "x-api-key",
                "Host",
                "Content-Type",
                "content-length",
                "Transfer-Encoding",
                "Connection",
                "Keep-Alive",
                "Proxy-Authorization",
                "TE",
                "Trailer",
                "Upgrade",
                "Expect",
                "Accept",
                "Accept-Encoding",
            )
        ),
        ({"X-A": f"{SECRET}\r\nX-Evil: 1"}, "the value of X-A"),
        ({"X-A": f"{SECRET}\n"}, "the value of X-A"),
        ({"X-A": f" {SECRET}"}, "the value of X-A"),
        ({"X-A": f"{SECRET}ü"}, "the value of X-A"),
        ({"X-A": b"s3cret"}, "the value of X-A"),
        ({"X A": SECRET}, "a name in headers"),
        ({"X-Ä": SECRET}, "a name in headers"),
        ({"X-A\r\nX-B": SECRET}, "a name in headers"),
        ({"": SECRET}, "a name in headers"),
        ({7: SECRET}, "a name in headers"),
        ([("X-A", SECRET)], "headers must be a mapping"),
    ],
)
def test_headers_that_cannot_be_sent_are_refused(headers: Any, message: str) -> None:
    for package in (monocloud_async, monocloud_sync):
        client = package.MonoCloudClient("acme.com", "key")
        with pytest.raises(ConfigurationError) as caught:
            client.with_options(headers=headers)
        assert message in str(caught.value)
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize("name", ["on_request", "on_response"])
def test_a_hook_that_is_not_a_function_is_refused(name: str) -> None:
    wrong: Any = {name: "print"}
    with pytest.raises(ConfigurationError, match=f"{name} must be a function, not str"):
        MonoCloudClient("acme.com", "key", **wrong)
    with pytest.raises(ConfigurationError, match=f"{name} must be a function, not str"):
        MonoCloudClient("acme.com", "key").with_options(**wrong)


async def test_an_observed_call_fails_with_the_same_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with Wire(problem(404)) as wire, MonoCloudClient(wire.url, "key") as client:
        view = client.with_options(on_response=lambda _: None)
        with pytest.raises(NotFoundError) as plain:
            await client.users.get("u")
        with pytest.raises(NotFoundError) as observed:
            await view.users.get("u")
        await seen(lambda: len(wire.requests) == 2)
    assert str(plain.value) == str(observed.value)
    assert observed.value.__context__ is None


def test_hook_infos_are_frozen_and_have_few_fields() -> None:
    names = {one.name for one in attrs.fields(ResponseInfo)}
    assert names == {
        *("operation", "method", "url_template", "attempt"),
        *("status", "failure", "timed_out", "seconds", "trace_id"),
    }
    info = RequestInfo(operation="users.get", method="GET", url_template="/api", attempt=1)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        info.attempt = 2  # type: ignore[misc]


@pytest.mark.parametrize("name", ["on_request", "on_response"])
@pytest.mark.parametrize("many", [False, True])
async def test_an_unrelated_cancellation_in_a_hook_does_not_reach_the_call(
    name: str, many: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def hook(_: object) -> None:
        other = asyncio.create_task(asyncio.sleep(60))
        other.cancel()
        await other

    hooked: Any = {name: hook}
    async with Wire(answer()) as wire, MonoCloudClient(wire.url, "key", **hooked) as client:
        if many:
            rows = [("u", "p"), ("v", "q")]
            made = [one async for one in client.many(client.phones.set_primary, rows)]
            assert [one.error for one in made] == [None, None]
        else:
            assert (await client.phones.set_primary("u", "p")).user_id
    assert "raised an error, and the call continues" in caplog.text


def test_a_hook_s_cancelled_error_does_not_reach_a_blocking_call() -> None:
    def hook(_: object) -> None:
        raise asyncio.CancelledError

    with served(answer()) as wire:
        with monocloud_sync.MonoCloudClient(wire.url, "key", on_response=hook) as client:
            assert client.phones.set_primary("u", "p").user_id


async def test_a_hook_may_call_the_client_when_every_connection_is_taken() -> None:
    async def hook(_: object) -> None:
        await client.users.get("another")

    async with Wire(answer()) as wire:
        async with MonoCloudClient(wire.url, "key", retry=FAST, max_connections=1) as client:
            view = client.with_options(on_request=hook, on_response=hook)
            await asyncio.gather(*(view.phones.set_primary("u", "p") for _ in range(3)))
    assert len(wire.requests) == 9


class Named(str):
    """A string whose conversion returns another string."""

    __slots__ = ()

    def __str__(self) -> str:
        return "X-API-KEY"


async def test_headers_are_sent_as_checked() -> None:
    headers = {Named("X-Correlation-Id"): Named("abc")}
    async with Wire(answer()) as wire, MonoCloudClient(wire.url, "key") as client:
        await client.with_options(headers=headers).users.get("u")
    (request,) = wire.requests
    assert request.headers["X-Correlation-Id"] == "abc"
    assert request.headers["X-API-KEY"] == "key"


@pytest.mark.parametrize("telemetry", [True, object(), "otel"])
def test_telemetry_that_cannot_record_calls_is_refused(telemetry: Any) -> None:
    for kind in (monocloud_async.MonoCloudClient, monocloud_sync.MonoCloudClient):
        with pytest.raises(ConfigurationError, match="telemetry must be"):
            kind("acme.com", "key", telemetry=telemetry)


class Partial:
    """Telemetry whose records have no methods."""

    def client_made(self, *_: object) -> None: ...

    def call_began(self, _: object) -> object:
        return object()

    def run_began(self, *_: object) -> object:
        return object()


async def test_incomplete_telemetry_does_not_affect_the_call() -> None:
    telemetry: Any = Partial()
    async with Wire(answer()) as wire:
        async with MonoCloudClient(wire.url, "key", telemetry=telemetry) as client:
            assert (await client.phones.set_primary("u", "p")).user_id
            rows = [("u", "p"), ("v", "q")]
            made = [one async for one in client.many(client.phones.set_primary, rows)]
    assert [one.error for one in made] == [None, None]


async def test_a_log_filter_that_raises_does_not_reach_the_call(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(record: logging.LogRecord) -> bool:
        if record.levelno == logging.DEBUG:
            raise ZeroDivisionError
        return True

    log = logging.getLogger("monocloud")
    monkeypatch.setattr(log, "filters", [broken])
    with caplog.at_level(logging.DEBUG, "monocloud"):
        async with Wire(answer()) as wire, MonoCloudClient(wire.url, "key") as client:
            assert (await client.phones.set_primary("u", "p")).user_id
    assert "the call continues: ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("levels", [{"WARNING"}, {"ERROR"}, {"INFO"}])
async def test_a_filter_that_raises_for_any_line_does_not_reach_the_call(
    levels: set[str], many: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(record: logging.LogRecord) -> bool:
        if record.levelname in levels:
            raise ZeroDivisionError
        return True

    def hook(_: object) -> None:
        raise LookupError

    for name in ("monocloud", "monocloud.retry"):
        monkeypatch.setattr(logging.getLogger(name), "filters", [broken])
    telemetry: Any = Partial()
    refused = answer(429, b"{}", Retry_After="0")
    steps = refused, answer(X_RateLimit_Remaining="0", X_RateLimit_Reset="60")
    with caplog.at_level(logging.INFO, "monocloud"):
        async with Wire(*steps) as wire:
            async with MonoCloudClient(
                wire.url, "key", retry=FAST, telemetry=telemetry, on_response=hook
            ) as client:
                if many:
                    made = [
                        one async for one in client.many(client.phones.set_primary, [("u", "p")])
                    ]
                    assert [one.error for one in made] == [None]
                else:
                    assert (await client.phones.set_primary("u", "p")).user_id


class Unreadable:
    """What a hook returns, and cannot be looked at."""

    @property
    def __class__(self) -> Any:
        raise ZeroDivisionError


async def test_what_a_hook_returns_does_not_reach_the_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    loop = asyncio.new_event_loop()
    elsewhere = loop.create_future()
    returned: list[Any] = [elsewhere, Unreadable(), 7]
    async with Wire(answer()) as wire, MonoCloudClient(wire.url, "key") as client:
        for value in returned:
            view = client.with_options(on_response=lambda _, value=value: value)
            assert (await asyncio.wait_for(view.phones.set_primary("u", "p"), 10)).user_id
    loop.close()
    assert "different loop" in caplog.text
    assert "ZeroDivisionError" in caplog.text


# Hooks that do not return


@pytest.mark.parametrize("name", ["on_request", "on_response"])
async def test_a_hook_has_until_the_call_s_deadline(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    cancelled = asyncio.Event()

    async def endless(_: object) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    hook: Any = {name: endless}
    async with Wire(answer()) as wire, MonoCloudClient(wire.url, "key") as client:
        view = client.with_options(retry=RetryPolicy(deadline=0.3), **hook)
        call = asyncio.wait_for(view.phones.set_primary("u", "p"), 10)
        if name == "on_response":
            assert (await call).user_id
        else:
            with pytest.raises(RequestTimeoutError) as caught:
                await call
            assert "deadline of 0.3 s, which passed before the request was sent" in str(
                caught.value
            )
            assert not caught.value.may_have_been_applied
            assert wire.requests == []
    assert cancelled.is_set()
    assert f"{name} was cancelled at the call's deadline, and the call continues" in caplog.text


async def test_a_hook_of_a_row_has_a_deadline_too() -> None:
    async def endless(_: object) -> None:
        await asyncio.Event().wait()

    async with Wire(answer()) as wire, MonoCloudClient(wire.url, "key") as client:
        view = client.with_options(retry=RetryPolicy(deadline=0.2), on_response=endless)

        async def run() -> list[Any]:
            return [one async for one in view.many(view.phones.set_primary, [("u", "p")])]

        made = await asyncio.wait_for(run(), 10)
    assert [one.error for one in made] == [None]


async def test_a_hook_that_ignores_its_cancellation_does_not_hold_the_call() -> None:
    release = asyncio.Event()
    reached = asyncio.Event()

    async def stubborn(_: object) -> None:
        while not release.is_set():
            reached.set()
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()

    async with Wire(answer()) as wire:
        async with MonoCloudClient(wire.url, "key", on_response=stubborn) as client:
            view = client.with_options(retry=RetryPolicy(deadline=0.2))
            assert (await asyncio.wait_for(view.phones.set_primary("u", "p"), 10)).user_id
            reached.clear()
            call = asyncio.create_task(client.phones.set_primary("u", "p"))
            await reached.wait()
            call.cancel()
            done, _ = await asyncio.wait([call], timeout=10)
            release.set()
            assert done
            assert call.cancelled()


async def test_a_hook_that_is_cancelled_at_the_deadline_may_clean_up() -> None:
    cleaned = asyncio.Event()

    async def slow(_: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.set()

    async with Wire(answer()) as wire, MonoCloudClient(wire.url, "key") as client:
        view = client.with_options(retry=RetryPolicy(deadline=0.2), on_response=slow)
        await view.users.get("u")
        assert cleaned.is_set()
