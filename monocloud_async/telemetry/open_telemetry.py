"""OpenTelemetry: a span for each call, and metrics of calls, retries and runs."""

from __future__ import annotations

from opentelemetry import context, metrics, trace

from .._call import Call, CallRecord, RunPace, RunRecord
from .._version import __version__
from ..retry import RetryQuota
from .instruments import SCOPE, instruments_of
from .runs import RunMetrics
from .spans import CallSpan

# What opentelemetry-instrumentation's suppress_instrumentation() sets.
_SUPPRESSED = "suppress_instrumentation"


class OpenTelemetry:
    """Records the calls of a client: ``MonoCloudClient(telemetry=OpenTelemetry())``.

    Each call is a span named after its operation, and each attempt is an event of that span. Spans
    and metrics never hold ids, URLs, headers, bodies, error messages or the API key. One object
    serves any number of clients.

    Args:
        tracer_provider: creates the tracer; None for the global provider.
        meter_provider: creates the meter; None for the global provider.
    """

    def __init__(
        self,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer(SCOPE, __version__, tracer_provider)
        self._instruments = instruments_of(meter_provider)
        self._enabled = True

    def disable(self) -> None:
        """Record nothing from now on; clients that use this object continue without telemetry."""
        self._enabled = False

    def client_made(self, server: str, quota: RetryQuota) -> None:
        """Record a new client: its server, and its retry budget."""
        self._instruments.watch_quota(server, quota, self._is_on)

    def call_began(self, call: Call) -> CallRecord | None:
        """Start recording a call, unless recording is off or suppressed."""
        if not self._enabled or context.get_value(_SUPPRESSED):
            return None
        return CallSpan(self._tracer, self._instruments, call)

    def run_began(self, server: str, pace: RunPace) -> RunRecord | None:
        """Start recording a bulk run, unless recording is off or suppressed."""
        if not self._enabled or context.get_value(_SUPPRESSED):
            return None
        return RunMetrics(self._instruments, server, pace, self._is_on)

    def _is_on(self) -> bool:
        return self._enabled
