"""OpenTelemetry for clients of both packages; needs ``monocloud[otel]``.

``MonoCloudClient(telemetry=OpenTelemetry())`` records the calls of one client. instrumentor.py has
``MonoCloudInstrumentor``, which records those of all clients, as ``opentelemetry-instrument`` does.
"""

from .open_telemetry import OpenTelemetry

__all__ = ["OpenTelemetry"]
