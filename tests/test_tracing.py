"""OpenTelemetry spans: one per call, with its attempts as events and no personal data."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import re
import subprocess
import sys
import weakref
from collections.abc import AsyncIterator, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDict
from opentelemetry import propagate, trace
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

import monocloud_sync
from monocloud_async import (
    ConfigurationError,
    ForbiddenError,
    MonoCloudClient,
    MonoCloudError,
    RequestTimeoutError,
    ResponseDecodeError,
    RetryPolicy,
    TransportError,
)
from monocloud_async._call import Call
from monocloud_async.telemetry import OpenTelemetry
from monocloud_async.telemetry.instrumentor import MonoCloudInstrumentor

from .conftest import FAST
from .wire import Request, Step, Wire, answer, close, problem, reset, served, silence

TEMPLATE = "/api/users/{user_id}/phones/{identifier_id}/primary"


class Tracing:
    """A separate tracer provider and the spans that it exported."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = self.provider.get_tracer("the program")
        self.telemetry = OpenTelemetry(self.provider)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    def only(self) -> ReadableSpan:
        (span,) = self.spans
        return span


@pytest.fixture
def tracing() -> Tracing:
    return Tracing()


@contextlib.asynccontextmanager
async def calling(
    tracing: Tracing, *steps: Step, **options: Any
) -> AsyncIterator[tuple[MonoCloudClient, Wire]]:
    options = {"retry": FAST, "telemetry": tracing.telemetry, **options}
    async with Wire(*steps) as wire, MonoCloudClient(wire.url, "key", **options) as client:
        yield client, wire


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def events(span: ReadableSpan) -> list[dict[str, Any]]:
    assert all(event.name == "monocloud.attempt" for event in span.events)
    return [dict(event.attributes or {}) for event in span.events]


def parent_of(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent else None


def id_of(span: ReadableSpan) -> int:
    assert span.context
    return span.context.span_id


def sent_span(request: Request) -> tuple[str, str]:
    """Return the trace id and the span id in a request's traceparent header."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    _, trace_id, span_id, _ = headers["traceparent"].split("-")
    return trace_id, span_id


# One span per call


async def test_a_call_is_one_span(tracing: Tracing) -> None:
    async with calling(tracing, answer(Traceparent="t1")) as (client, wire):
        await client.phones.set_primary("the-user", "the-phone")
    span = tracing.only()
    assert span.name == "phones.set_primary"
    assert span.kind is SpanKind.CLIENT
    assert span.status.status_code is StatusCode.UNSET
    assert span.instrumentation_scope
    assert span.instrumentation_scope.name == "monocloud"
    assert attributes(span) == {
        "monocloud.operation": "phones.set_primary",
        "http.request.method": "POST",
        "url.template": TEMPLATE,
        "server.address": "127.0.0.1",
        "server.port": wire.port,
        "http.response.status_code": 200,
    }
    (event,) = events(span)
    assert event.pop("monocloud.attempt.duration") >= 0
    assert event == {
        "http.response.status_code": 200,
        "http.request.resend_count": 0,
        "monocloud.trace_id": "t1",
    }


async def test_each_attempt_is_an_event(tracing: Tracing) -> None:
    async with calling(tracing, close, problem(503), problem(429), answer()) as (client, _):
        await client.with_options(retry=RetryPolicy(max_attempts=4, base_delay=0)).users.get("u")
    span = tracing.only()
    assert attributes(span)["http.request.resend_count"] == 3
    assert attributes(span)["http.response.status_code"] == 200
    assert span.status.status_code is StatusCode.UNSET
    assert [one["http.request.resend_count"] for one in events(span)] == [0, 1, 2, 3]
    assert [one.get("http.response.status_code") for one in events(span)] == [None, 503, 429, 200]
    assert [one.get("error.type") for one in events(span)] == ["TransportError", "503", "429", None]
    failure = "the server closed the connection without a response"
    assert [one.get("monocloud.failure") for one in events(span)] == [failure, None, None, None]


@pytest.mark.parametrize(
    ("step", "error", "kind", "status"),
    [
        (reset, TransportError, "TransportError", None),
        (silence, RequestTimeoutError, "RequestTimeoutError", None),
        (problem(403), ForbiddenError, "403", 403),
        (problem(503), MonoCloudError, "503", 503),
        (answer(200, b"{"), ResponseDecodeError, "ResponseDecodeError", 200),
    ],
    ids=["reset", "silence", "403", "503", "not JSON"],
)
async def test_a_failed_call_is_a_failed_span(
    step: Step, error: type[Exception], kind: str, status: int | None, tracing: Tracing
) -> None:
    once = RetryPolicy(max_attempts=1)
    async with calling(tracing, step, retry=once, timeout=0.2) as (client, _):
        with pytest.raises(error):
            await client.phones.set_primary("the-user", "the-phone")
    span = tracing.only()
    assert span.status.status_code is StatusCode.ERROR
    # The server's message may contain personal data.
    assert span.status.description is None
    assert attributes(span)["error.type"] == kind
    assert attributes(span).get("http.response.status_code") == status
    assert "http.request.resend_count" not in attributes(span)


async def test_a_call_without_an_attempt_has_a_span_too(tracing: Tracing) -> None:
    options = {"max_connections": 1, "retry": RetryPolicy(deadline=0.1)}
    async with calling(tracing, silence, **options) as (client, wire):
        first = asyncio.create_task(client.with_options(retry=FAST).users.get("u"))
        await wire.arrived.wait()
        with pytest.raises(RequestTimeoutError):
            await client.users.get("u")
        span = tracing.only()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    assert span.status.status_code is StatusCode.ERROR
    assert events(span) == []


async def test_a_cancelled_call_ends_its_span_without_an_error(tracing: Tracing) -> None:
    async with calling(tracing, silence) as (client, wire):
        call = asyncio.create_task(client.users.get("u"))
        await wire.arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert attributes(tracing.only())["error.type"] == "cancelled"
    assert tracing.only().status.status_code is StatusCode.UNSET


async def test_a_removal_that_was_already_applied_is_a_success(tracing: Tracing) -> None:
    async with calling(tracing, close, problem(404)) as (client, _):
        await client.users.delete("u")
    assert tracing.only().status.status_code is StatusCode.UNSET
    assert attributes(tracing.only())["http.response.status_code"] == 404


async def test_a_call_on_a_closed_client_is_a_failed_span(tracing: Tracing) -> None:
    async with calling(tracing, answer()) as (client, _):
        await client.aclose()
        with pytest.raises(ConfigurationError):
            await client.users.get("u")
    assert attributes(tracing.only())["error.type"] == "ConfigurationError"


async def test_a_hook_sees_the_span_of_its_call(tracing: Tracing) -> None:
    seen: list[int] = []

    def note(_: object) -> None:
        seen.append(trace.get_current_span().get_span_context().span_id)

    async with calling(tracing, answer(), on_request=note, on_response=note) as (client, _):
        await client.users.get("u")
        note(None)
    assert seen == [id_of(tracing.only()), id_of(tracing.only()), 0]


# Parents and children


async def test_the_parent_of_a_span_is_the_current_span(tracing: Tracing) -> None:
    async with calling(tracing, answer()) as (client, _):
        with tracing.tracer.start_as_current_span("request") as parent:
            await client.users.get("u")
            assert trace.get_current_span() is parent
    assert parent_of(tracing.named("users.get")[0]) == parent.get_span_context().span_id


def test_the_parent_of_a_blocking_call_is_the_caller_s_span(tracing: Tracing) -> None:
    with served(problem(503), answer()) as wire:
        with monocloud_sync.MonoCloudClient(
            wire.url, "key", retry=FAST, telemetry=tracing.telemetry
        ) as client:
            with tracing.tracer.start_as_current_span("request") as parent:
                client.users.get("u")
                rows = [("u1",), ("u2",)]
                assert len(list(client.many(client.users.get, rows))) == 2
    spans = tracing.named("users.get")
    assert len(spans) == 3
    assert {parent_of(span) for span in spans} == {parent.get_span_context().span_id}
    assert attributes(spans[0])["http.request.resend_count"] == 1


async def test_the_parent_of_a_row_is_the_span_that_was_current_when_the_run_started(
    tracing: Tracing,
) -> None:
    async with calling(tracing, answer()) as (client, _):
        with tracing.tracer.start_as_current_span("batch") as parent:
            rows = [(f"u{number}",) for number in range(40)]
            outcomes = client.many(client.users.get, rows, concurrency=4)
            first = await anext(outcomes)
        assert first.error is None
        with tracing.tracer.start_as_current_span("something else"):
            assert [one.error async for one in outcomes] == [None] * 39
    spans = tracing.named("users.get")
    assert len(spans) == 40
    assert {parent_of(span) for span in spans} == {parent.get_span_context().span_id}


async def test_each_attempt_sends_the_trace_context(tracing: Tracing) -> None:
    async with calling(tracing, problem(503), answer()) as (client, wire):
        await client.users.get("u")
    context = tracing.only().context
    assert context
    expected = f"{context.trace_id:032x}", f"{context.span_id:016x}"
    assert [sent_span(request) for request in wire.requests] == [expected, expected]


async def test_the_context_goes_out_with_one_copy_of_the_headers(
    tracing: Tracing, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies: list[object] = []

    class Counted(CIMultiDict[str]):
        def copy(self) -> CIMultiDict[str]:
            copies.append(self)
            return super().copy()

    async with calling(tracing, answer()) as (client, wire):
        headers = client._caller.headers
        monkeypatch.setattr(headers, "fields", Counted(headers.fields))
        monkeypatch.setattr(headers, "with_body", Counted(headers.with_body))
        await client.users.get("u")
        await client.phones.add("u", "+441514960453")
    assert len(copies) == 2
    assert all(one.header_names.count("traceparent") == 1 for one in wire.requests)
    assert [one.headers.get("Content-Type") for one in wire.requests] == [None, "application/json"]


async def test_a_trace_context_from_the_caller_is_kept(tracing: Tracing) -> None:
    traceparent = f"00-{'a' * 32}-{'b' * 16}-01"
    async with calling(tracing, answer()) as (client, wire):
        await client.with_options(headers={"Traceparent": traceparent}).users.get("u")
    assert sent_span(wire.requests[0]) == ("a" * 32, "b" * 16)
    assert wire.requests[0].header_names.count("traceparent") == 1


async def test_a_propagator_cannot_replace_the_key_or_break_the_request(
    tracing: Tracing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def inject(carrier: dict[str, str], *_: object) -> None:
        carrier.update({"X-API-KEY": "stolen", "Host": "evil", "X-Bad": "a\r\nb", "X-Good": "1"})

    monkeypatch.setattr(propagate, "inject", inject)
    async with calling(tracing, answer()) as (client, wire):
        await client.users.get("u")
    headers = wire.requests[0].headers
    assert headers["X-API-KEY"] == "key"
    assert headers["Host"] == f"127.0.0.1:{wire.port}"
    assert headers["X-Good"] == "1"
    assert "X-Bad" not in headers


@pytest.fixture
def instrumented(tracing: Tracing) -> Iterator[None]:
    """Enable the instrumentation of aiohttp, which many programs already use."""
    instrumentor = AioHttpClientInstrumentor()
    instrumentor.instrument(tracer_provider=tracing.provider)
    yield
    instrumentor.uninstrument()


@pytest.mark.usefixtures("instrumented")
async def test_spans_of_aiohttp_are_children_of_the_call(tracing: Tracing) -> None:
    async with calling(tracing, problem(503), answer()) as (client, wire):
        await client.users.get("u")
    (call,) = tracing.named("users.get")
    attempts = tracing.named("GET")
    assert len(tracing.spans) == 3
    assert [parent_of(span) for span in attempts] == [id_of(call)] * 2
    sent = [int(sent_span(request)[1], 16) for request in wire.requests]
    assert sent == [id_of(span) for span in attempts]
    assert all(one.header_names.count("traceparent") == 1 for one in wire.requests)


@pytest.mark.usefixtures("instrumented")
def test_spans_of_aiohttp_are_children_of_a_blocking_call(tracing: Tracing) -> None:
    with served(answer()) as wire:
        with monocloud_sync.MonoCloudClient(wire.url, "key", telemetry=tracing.telemetry) as client:
            with tracing.tracer.start_as_current_span("request") as request:
                client.users.get("u")
    (call,) = tracing.named("users.get")
    (attempt,) = tracing.named("GET")
    assert parent_of(attempt) == id_of(call)
    assert parent_of(call) == request.get_span_context().span_id


async def test_the_filter_in_the_guide_keeps_ids_out_of_the_spans_of_aiohttp(
    tracing: Tracing,
) -> None:
    instrumentor = AioHttpClientInstrumentor()
    instrumentor.instrument(
        tracer_provider=tracing.provider, url_filter=lambda url: str(url.origin())
    )
    try:
        async with calling(tracing, answer()) as (client, _):
            await client.phones.set_primary("the-user", "the-phone")
    finally:
        instrumentor.uninstrument()
    assert len(tracing.spans) == 2
    assert not [span for span in tracing.spans if "the-user" in span.to_json()]


async def test_nothing_of_a_recorded_call_waits_for_the_garbage_collector(
    tracing: Tracing, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[weakref.ref[Call]] = []
    began = OpenTelemetry.call_began

    def noted(self: OpenTelemetry, call: Call) -> Any:
        calls.append(weakref.ref(call))
        return began(self, call)

    monkeypatch.setattr(OpenTelemetry, "call_began", noted)
    async with calling(tracing, answer()) as (client, _):
        gc.disable()
        try:
            await client.phones.set_primary("u", "p")
            assert [call() for call in calls] == [None]
        finally:
            gc.enable()


# Telemetry that is suppressed, missing or broken


async def test_nothing_is_recorded_while_instrumentation_is_suppressed(tracing: Tracing) -> None:
    async with calling(tracing, answer()) as (client, wire):
        with suppress_instrumentation():
            await client.users.get("u")
    assert tracing.spans == ()
    assert "traceparent" not in wire.requests[0].header_names


async def test_an_unsampled_span_is_sent_to_the_server_as_unsampled() -> None:
    telemetry = OpenTelemetry(TracerProvider(sampler=ALWAYS_OFF))
    async with calling(Tracing(), answer(), telemetry=telemetry) as (client, wire):
        await client.users.get("u")
    flags = wire.requests[0].headers["traceparent"].rpartition("-")[2]
    assert int(flags, 16) & 1 == 0


async def test_nothing_is_sent_without_the_opentelemetry_sdk() -> None:
    async with calling(Tracing(), answer(), telemetry=OpenTelemetry()) as (client, wire):
        await client.users.get("u")
    assert "traceparent" not in wire.requests[0].header_names


class Broken(SpanProcessor):
    """A processor that fails at the start or at the end of a span."""

    def __init__(self, at: str) -> None:
        self._at = at

    def on_start(self, *_: object, **__: object) -> None:
        if self._at == "start":
            raise ZeroDivisionError

    def on_end(self, *_: object) -> None:
        if self._at == "end":
            raise ZeroDivisionError


@pytest.mark.parametrize("at", ["start", "end"])
async def test_failing_telemetry_does_not_fail_the_call(
    at: str, tracing: Tracing, caplog: pytest.LogCaptureFixture
) -> None:
    tracing.provider.add_span_processor(Broken(at))
    async with calling(tracing, close, answer()) as (client, _):
        user = await client.phones.set_primary("the-user", "the-phone")
        assert not trace.get_current_span().get_span_context().is_valid
    assert user.user_id
    assert "telemetry failed, and the call continues: ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("error", [ZeroDivisionError, asyncio.CancelledError])
async def test_a_propagator_that_raises_leaves_no_span_open(
    error: type[BaseException],
    tracing: Tracing,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def inject(*_: object) -> None:
        raise error

    monkeypatch.setattr(propagate, "inject", inject)
    async with calling(tracing, close, answer()) as (client, wire):
        assert (await client.phones.set_primary("the-user", "the-phone")).user_id
        assert not trace.get_current_span().get_span_context().is_valid
    assert len(events(tracing.only())) == len(wire.requests) == 2
    assert f"telemetry failed, and the call continues: {error.__name__}" in caplog.text


# For all clients at once


async def test_the_instrumentor_records_all_clients(tracing: Tracing) -> None:
    instrumentor = MonoCloudInstrumentor()
    instrumentor.instrument(tracer_provider=tracing.provider)
    try:
        async with calling(tracing, answer(), telemetry=None) as (client, _):
            await client.users.get("u")
            assert len(tracing.spans) == 1
            own = Tracing()
            async with calling(own, answer()) as (other, _):
                await other.users.get("u")
            assert len(own.spans) == len(tracing.spans) == 1
            instrumentor.uninstrument()
            await client.users.get("u")
        async with calling(tracing, answer(), telemetry=None) as (client, _):
            await client.users.get("u")
    finally:
        instrumentor.uninstrument()
    assert len(tracing.spans) == 1


def test_opentelemetry_instrument_finds_the_instrumentor() -> None:
    settings = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    group = "opentelemetry_instrumentor"
    found = re.search(
        rf'^\[project.entry-points.{group}\]\nmonocloud = "(.*)"$', settings, re.MULTILINE
    )
    assert found
    assert EntryPoint("monocloud", found[1], group).load() is MonoCloudInstrumentor


def test_opentelemetry_is_imported_only_on_request() -> None:
    program = (
        "import sys, monocloud_async, monocloud_sync\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]\n"
        "import monocloud_async.telemetry\n"
        "assert not [n for n in sys.modules if n.startswith(('opentelemetry.sdk', "
        "'opentelemetry.instrumentation'))]\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
