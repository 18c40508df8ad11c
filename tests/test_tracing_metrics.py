"""OpenTelemetry metrics. Neither metrics nor spans nor logs contain an id or the key."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import monocloud_sync
from monocloud_async import MonoCloudClient, NotFoundError, RetryPolicy, ServerError
from monocloud_async.emulator import PHONE_ID, USER_ID, Emulator, Fault, RateLimit
from monocloud_async.telemetry import OpenTelemetry

from .conftest import FAST
from .wire import Step, Wire, Writer, answer, close, problem

KEY = "canary-6d1f3c"
NUMBER = "+441514960999"


class Measuring:
    """Separate providers and what they exported."""

    def __init__(self) -> None:
        self.reader = InMemoryMetricReader()
        self.exporter = InMemorySpanExporter()
        tracers = TracerProvider()
        tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.telemetry = OpenTelemetry(tracers, MeterProvider([self.reader]))

    def points(self, name: str) -> list[Any]:
        data = self.reader.get_metrics_data()
        return [
            point
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]

    def exported(self) -> str:
        """Return everything that was exported, as JSON."""
        data = self.reader.get_metrics_data()
        spans = [span.to_json() for span in self.exporter.get_finished_spans()]
        return "\n".join([*spans, data.to_json() if data else ""])


@pytest.fixture
def measuring() -> Iterator[Measuring]:
    measuring = Measuring()
    yield measuring
    measuring.reader.shutdown()


async def test_calls_attempts_and_retries_are_counted(measuring: Measuring) -> None:
    async with Wire(close, problem(503), answer(), problem(404)) as wire:
        async with MonoCloudClient(
            wire.url, KEY, retry=FAST, telemetry=measuring.telemetry
        ) as client:
            await client.phones.set_primary("u", "p")
            with pytest.raises(NotFoundError):
                await client.users.get("u")
    calls = measuring.points("monocloud.client.call.duration")
    assert sorted(
        (dict(one.attributes)["monocloud.operation"], one.count, one.attributes.get("error.type"))
        for one in calls
    ) == [("phones.set_primary", 1, None), ("users.get", 1, "404")]
    assert all(one.sum > 0 and one.explicit_bounds[0] == 0.005 for one in calls)
    attempts = measuring.points("monocloud.client.attempts")
    ended = sorted(str(one.attributes.get("error.type")) for one in attempts)
    assert ended == ["404", "503", "None", "TransportError"]
    assert sum(one.value for one in measuring.points("monocloud.client.retries")) == 2


async def test_the_retry_quota_is_reported_as_long_as_a_client_exists(
    measuring: Measuring,
) -> None:
    async with Wire(problem(503)) as wire:
        options: Any = {"retry": FAST, "telemetry": measuring.telemetry}
        async with MonoCloudClient(wire.url, KEY, **options) as client:
            async with MonoCloudClient(wire.url, KEY, **options):
                with pytest.raises(ServerError):
                    await client.users.get("u")
                (left,) = measuring.points("monocloud.client.retry_quota")
    assert left.value == 500 - 2 * 14
    assert dict(left.attributes) == {"server.address": "127.0.0.1"}
    del client
    gc.collect()
    assert measuring.points("monocloud.client.retry_quota") == []


async def test_a_run_reports_its_pace_and_counts_its_rows(measuring: Measuring) -> None:
    held, release = asyncio.Event(), asyncio.Event()
    yes = answer()

    async def hold(writer: Writer) -> None:
        held.set()
        await release.wait()
        await yes(writer)

    steps: list[Step] = [problem(404), hold, yes]
    async with Wire(*steps) as wire:
        async with MonoCloudClient(wire.url, KEY, telemetry=measuring.telemetry) as client:
            rows = [("u1",), ("u2",), ("u3",)]
            outcomes = client.many(client.users.get, rows, concurrency=1, rate=200)
            failed = await anext(outcomes)
            await held.wait()
            (rate,) = measuring.points("monocloud.client.bulk.rate")
            (in_flight,) = measuring.points("monocloud.client.bulk.rows_in_flight")
            release.set()
            rest = [one async for one in outcomes]
    assert failed.error
    assert [one.error for one in rest] == [None, None]
    assert rate.value == 200
    assert in_flight.value == 1
    done = {
        one.attributes["monocloud.outcome"]: one.value
        for one in measuring.points("monocloud.client.bulk.rows")
    }
    assert done == {"failed": 1, "ok": 2}
    assert measuring.points("monocloud.client.bulk.rate") == []
    assert measuring.points("monocloud.client.bulk.rows_in_flight") == []


async def test_a_run_reports_the_rate_that_it_discovers(measuring: Measuring) -> None:
    async with Emulator(rate_limit=RateLimit(100, burst=5)) as emulator:
        async with MonoCloudClient(
            emulator.url, emulator.api_key, telemetry=measuring.telemetry
        ) as client:
            rows = [(USER_ID,)] * 40
            rates = []
            async for _ in client.many(client.users.get, rows):
                rates += measuring.points("monocloud.client.bulk.rate")
    assert rates
    assert all(0 < one.value < 1000 for one in rates)


async def test_imports_and_exports_have_spans_under_their_parent(measuring: Measuring) -> None:
    tracer = measuring.telemetry._tracer
    async with Emulator([]) as emulator:
        async with MonoCloudClient(
            emulator.url, emulator.api_key, telemetry=measuring.telemetry
        ) as client:
            with tracer.start_as_current_span("import") as importing:
                rows = [{"email": f"a{number}@example.com"} for number in range(5)]
                assert [one.error async for one in client.users.import_many(rows)] == [None] * 5
            with tracer.start_as_current_span("export") as exporting:
                assert len([one async for one in client.users.export(details=True)]) == 5
    parents = {importing.get_span_context().span_id, exporting.get_span_context().span_id}
    spans = [span for span in measuring.exporter.get_finished_spans() if span.parent]
    assert {span.parent.span_id for span in spans if span.parent} == parents
    assert len([span for span in spans if span.name == "users.create"]) == 5
    assert len(spans) >= 11


# No personal data and no key


def test_neither_ids_nor_the_key_are_exported_or_logged(
    measuring: Measuring, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "monocloud")
    # The emulator's own log lines contain the paths.
    caplog.set_level(logging.WARNING, "monocloud.emulator")
    shown: list[str] = []
    faults = [
        Fault(status=503, times=1),
        Fault(connection="reset", times=1),
        Fault(status=429, headers={"Retry-After": "0"}, times=1),
        Fault(body="garbage", operation="users.get", times=1),
        Fault(status=200, headers={"X-Request-Id": KEY}, times=1),
    ]
    with monocloud_sync.emulator.Emulator(api_key=KEY, faults=faults) as emulator:
        with monocloud_sync.MonoCloudClient(
            emulator.url,
            KEY,
            retry=RetryPolicy(max_attempts=5, base_delay=0),
            telemetry=measuring.telemetry,
            on_request=lambda info: shown.append(repr(info)),
            on_response=lambda info: shown.append(repr(info)),
        ) as client:
            use(client)
    texts = [measuring.exported(), caplog.text, *shown]
    secrets = [USER_ID, PHONE_ID, KEY, NUMBER, NUMBER[1:], "secret-correlation"]
    assert not [(secret, text) for text in texts for secret in secrets if secret in text]
    assert "/api/users/{user_id}" in texts[0]
    assert len(json.dumps(texts)) > 5000


def use(client: monocloud_sync.MonoCloudClient) -> None:
    """Make calls that succeed, fail, and are retried."""
    view = client.with_options(headers={"X-Correlation-Id": "secret-correlation"})
    for _ in range(3):
        with contextlib.suppress(monocloud_sync.MonoCloudError):
            view.users.get(USER_ID)
    view.phones.set_primary(USER_ID, PHONE_ID)
    view.request("GET", "/users/{user_id}", USER_ID)
    view.users.list(filter=f"phone_number:{NUMBER}").collect()
    rows = [(USER_ID, PHONE_ID), (USER_ID, f"{PHONE_ID}x")]
    assert len(list(client.many(client.phones.set_primary, rows))) == 2
    with pytest.raises(NotFoundError):
        client.users.get(f"{USER_ID}x")
    client.phones.add(USER_ID, NUMBER)
    with pytest.raises(monocloud_sync.MonoCloudError):
        client.phones.add(USER_ID, NUMBER)


async def test_clients_with_telemetry_of_their_own_share_a_meter_provider() -> None:
    reader = InMemoryMetricReader()
    meters = MeterProvider([reader])
    clients = [
        MonoCloudClient(domain, "key", telemetry=OpenTelemetry(None, meters))
        for domain in ("a.example.com", "b.example.com")
    ]
    assert servers(reader) == {"a.example.com", "b.example.com"}
    del clients


def servers(reader: InMemoryMetricReader) -> set[str]:
    """Return the servers whose quota is reported."""
    data = reader.get_metrics_data()
    return {
        point.attributes["server.address"]
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "monocloud.client.retry_quota"
        for point in metric.data.data_points
    }


async def test_nothing_is_recorded_once_telemetry_is_disabled() -> None:
    measuring = Measuring()
    async with Emulator() as emulator:
        async with MonoCloudClient(
            emulator.url, emulator.api_key, telemetry=measuring.telemetry
        ) as client:
            measuring.telemetry.disable()
            rows = [(USER_ID, PHONE_ID)]
            assert [one.error async for one in client.many(client.phones.set_primary, rows)] == [
                None
            ]
            for name in ("bulk.rows", "bulk.rows_in_flight", "retry_quota", "attempts"):
                assert not measuring.points(f"monocloud.client.{name}"), name


def test_threads_that_create_telemetry_at_once_share_its_instruments() -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        assert {instruments_of_threads() for _ in range(20)} == {1}
    finally:
        sys.setswitchinterval(before)


def instruments_of_threads() -> int:
    """Return how many instruments threads get that create telemetry for one provider at once."""
    provider, together = MeterProvider(), threading.Barrier(8)
    created: list[OpenTelemetry] = []

    def create() -> None:
        together.wait()
        created.append(OpenTelemetry(meter_provider=provider))

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    provider.shutdown()
    return len({id(one._instruments) for one in created})
