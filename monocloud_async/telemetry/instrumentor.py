"""MonoCloudInstrumentor: records the calls of all clients, as ``opentelemetry-instrument`` does."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from opentelemetry.instrumentation.instrumentor import (  # type: ignore[attr-defined]
    BaseInstrumentor,
)

from .._call.observer import default_telemetry, set_default_telemetry
from .open_telemetry import OpenTelemetry


class MonoCloudInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Records the calls of all clients created from now on.

    ``MonoCloudInstrumentor().instrument()`` takes a ``tracer_provider`` and a ``meter_provider``,
    as ``OpenTelemetry`` does. ``uninstrument()`` stops recording, including for existing clients.
    Clients created with their own ``telemetry=`` keep it. Needs
    ``opentelemetry-instrumentation``.
    """

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return no packages, because it instruments only this SDK."""
        return ()

    def _instrument(self, **kwargs: Any) -> None:
        set_default_telemetry(
            OpenTelemetry(kwargs.get("tracer_provider"), kwargs.get("meter_provider"))
        )

    def _uninstrument(self, **_: Any) -> None:
        telemetry = default_telemetry()
        if isinstance(telemetry, OpenTelemetry):
            telemetry.disable()
        set_default_telemetry(None)
