"""Instruments: the metrics of calls, retries and runs."""

from __future__ import annotations

import math
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator

from opentelemetry.context import Context
from opentelemetry.metrics import (
    CallbackOptions,
    Counter,
    Histogram,
    Meter,
    MeterProvider,
    Observation,
    get_meter,
)

from .._call import RunPace
from .._version import __version__
from ..retry import RetryQuota

SCOPE = "monocloud"
Attributes = dict[str, str | bool | int | float]
IsOn = Callable[[], bool]
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60)


class Instruments:
    """The instruments of a meter.

    Args:
        meter: creates them.

    Attributes:
        duration: how long calls take.
        rows: counts the rows of bulk runs.
        runs: the active runs, each with its server, its pace, and whether to report it.
    """

    def __init__(self, meter: Meter) -> None:
        self._quotas: dict[int, tuple[weakref.ref[RetryQuota], str, IsOn]] = {}
        self.runs: dict[object, tuple[str, RunPace, IsOn]] = {}
        self.duration: Histogram = meter.create_histogram(
            "monocloud.client.call.duration",
            "s",
            "Duration of calls, including retries and waits.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._attempts = meter.create_counter(
            "monocloud.client.attempts", "{attempt}", "Attempts made by calls."
        )
        self._retries = meter.create_counter(
            "monocloud.client.retries", "{attempt}", "Attempts after the first one of a call."
        )
        self.rows: Counter = meter.create_counter(
            "monocloud.client.bulk.rows", "{row}", "Rows of bulk runs that have an outcome."
        )
        self._observe(meter)

    def _observe(self, meter: Meter) -> None:
        meter.create_observable_gauge(
            "monocloud.client.retry_quota",
            [self._quota_left],
            "{token}",
            "Tokens left for retries; the lowest value among the clients of a server.",
        )
        meter.create_observable_gauge(
            "monocloud.client.bulk.rate",
            [self._rates],
            "{attempt}/s",
            "The rate that limits bulk runs; absent while nothing does.",
        )
        meter.create_observable_gauge(
            "monocloud.client.bulk.rows_in_flight",
            [self._in_flight],
            "{row}",
            "Rows that bulk runs are processing.",
        )

    def stopwatch(self) -> Callable[[], float]:
        """Return a function that returns the seconds elapsed since this call."""
        began = time.perf_counter()
        return lambda: time.perf_counter() - began

    def watch_quota(self, server: str, quota: RetryQuota, is_on: IsOn) -> None:
        """Report what is left of a client's retry quota while the client exists."""
        key, quotas = id(quota), self._quotas
        quotas[key] = (weakref.ref(quota, lambda _: quotas.pop(key, None)), server, is_on)

    def count_attempt(self, attributes: Attributes, *, resent: bool, within: Context) -> None:
        """Count an attempt, and whether it was a retry."""
        self._attempts.add(1, attributes, within)
        if resent:
            self._retries.add(1, attributes, within)

    def _quota_left(self, _: CallbackOptions) -> Iterator[Observation]:
        least: dict[str, int] = {}
        # Copy atomically, because this runs on the exporter's thread.
        for ref, server, is_on in self._quotas.copy().values():
            if (quota := ref()) is not None and is_on():
                least[server] = min(quota.tokens, least.get(server, quota.tokens))
        for server, tokens in least.items():
            yield Observation(tokens, {"server.address": server})

    def _rates(self, _: CallbackOptions) -> Iterator[Observation]:
        for server, paces in self._runs_by_server():
            rates = [pace.rate for pace in paces if pace.rate < math.inf]
            if rates:
                yield Observation(sum(rates), {"server.address": server})

    def _in_flight(self, _: CallbackOptions) -> Iterator[Observation]:
        for server, paces in self._runs_by_server():
            yield Observation(sum(pace.in_flight for pace in paces), {"server.address": server})

    def _runs_by_server(self) -> Iterator[tuple[str, list[RunPace]]]:
        # Copy atomically, because this runs on the exporter's thread.
        runs = [(at, pace) for at, pace, is_on in self.runs.copy().values() if is_on()]
        for server in {server for server, _ in runs}:
            yield server, [pace for at, pace in runs if at == server]


def instruments_of(provider: MeterProvider | None) -> Instruments:
    """Return the instruments of a provider, shared by all telemetry that uses it.

    OpenTelemetry SDKs keep the callbacks of the first instrument with a name, and drop others.

    Args:
        provider: creates the meter; None for the global one.
    """
    key = _GLOBAL if provider is None else provider
    # Threads may create the first clients at the same time.
    with _lock:
        known = _known.get(key)
        if known is None:
            known = _known[key] = Instruments(get_meter(SCOPE, __version__, provider))
    return known


class _Global:
    """Stands for the global provider, which may be set later."""


_GLOBAL = _Global()
_known: weakref.WeakKeyDictionary[object, Instruments] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def _leave_to_parent() -> None:
    global _lock
    # A thread of the parent may hold it.
    _lock = threading.Lock()
    # The parent's runs continue there, and the parent reports them.
    for instruments in list(_known.values()):
        instruments.runs.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)
