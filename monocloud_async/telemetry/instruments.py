"""Instruments: the metrics of calls, retries and runs."""

from __future__ import annotations

import math
import time
import weakref
from collections.abc import Callable, Iterator

from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Meter, Observation

from .._call import RunPace
from ..retry import RetryQuota

Attributes = dict[str, str | bool | int | float]
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60)


class Instruments:
    """The instruments of one meter.

    Args:
        meter: makes them.

    Attributes:
        duration: how long calls take.
        rows: the rows of runs.
        runs: the runs at work, each with its server and its pace.
    """

    def __init__(self, meter: Meter) -> None:
        self._quotas: weakref.WeakKeyDictionary[RetryQuota, str] = weakref.WeakKeyDictionary()
        self.runs: dict[object, tuple[str, RunPace]] = {}
        self.duration: Histogram = meter.create_histogram(
            "monocloud.client.call.duration",
            "s",
            "Duration of calls, retries and waits included.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._attempts = meter.create_counter(
            "monocloud.client.attempts", "{attempt}", "Attempts of calls."
        )
        self._retries = meter.create_counter(
            "monocloud.client.retries", "{attempt}", "Attempts after the first of a call."
        )
        self.rows: Counter = meter.create_counter(
            "monocloud.client.bulk.rows", "{row}", "Rows of runs that have their outcome."
        )
        self._observe(meter)

    def _observe(self, meter: Meter) -> None:
        meter.create_observable_gauge(
            "monocloud.client.retry_quota",
            [self._quota_left],
            "{token}",
            "Tokens left that calls may spend on retries; the least of a server's clients.",
        )
        meter.create_observable_gauge(
            "monocloud.client.bulk.rate",
            [self._rates],
            "{attempt}/s",
            "The rate that runs keep to; absent while nothing limits them.",
        )
        meter.create_observable_gauge(
            "monocloud.client.bulk.rows_in_flight",
            [self._in_flight],
            "{row}",
            "Rows that runs are working on.",
        )

    def stopwatch(self) -> Callable[[], float]:
        """Return a function that tells the seconds since now."""
        began = time.perf_counter()
        return lambda: time.perf_counter() - began

    def watch_quota(self, server: str, quota: RetryQuota) -> None:
        """Report what is left of a client's quota, for as long as there is the client."""
        self._quotas[quota] = server

    def count_attempt(self, attributes: Attributes, *, resent: bool, within: Context) -> None:
        """Count an attempt, and whether it was a retry."""
        self._attempts.add(1, attributes, within)
        if resent:
            self._retries.add(1, attributes, within)

    def _quota_left(self, _: CallbackOptions) -> Iterator[Observation]:
        least: dict[str, int] = {}
        for quota, server in list(self._quotas.items()):
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
        # A copy: the callbacks run on the exporter's thread.
        runs = list(self.runs.values())
        for server in {server for server, _ in runs}:
            yield server, [pace for at, pace in runs if at == server]
