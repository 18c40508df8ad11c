"""CallSpan: one call as a span, with its attempts as events."""

from __future__ import annotations

import asyncio
from contextvars import Token

from opentelemetry import context, propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from .._call import Call
from .._call.observer import quietly
from .._http import sendable
from ..errors import APIError, RequestTimeoutError, TransportError
from ..hooks import ResponseInfo
from .instruments import Attributes, Instruments

_CANCELLED = (asyncio.CancelledError, GeneratorExit)


class CallSpan:
    """One call as a span, which is the current span until the call ends.

    Args:
        tracer: creates the span.
        instruments: the instruments that count the call.
        call: the call; its request carries the span's context from now on.
    """

    def __init__(self, tracer: Tracer, instruments: Instruments, call: Call) -> None:
        self._instruments = instruments
        self._call = call
        self._status: int | None = None
        self._seconds = instruments.stopwatch()
        self._metered = _metered(call)
        self._span = tracer.start_span(
            call.operation.name, kind=SpanKind.CLIENT, attributes=_described(call, self._metered)
        )
        self._context = trace.set_span_in_context(self._span)
        # A propagator that fails must not leave the span open.
        quietly(lambda: _propagate(call, self._context))
        self._token: Token[Context] = context.attach(self._context)

    def attempted(self, attempt: ResponseInfo) -> None:
        """Add an event for an attempt that has ended."""
        self._status = attempt.status
        ended = _end_of(attempt)
        self._span.add_event(
            "monocloud.attempt",
            {
                **ended,
                "http.request.resend_count": attempt.resend_count,
                "monocloud.attempt.duration": attempt.seconds,
                **({"monocloud.trace_id": attempt.trace_id} if attempt.trace_id else {}),
                **({"monocloud.failure": attempt.failure} if attempt.failure else {}),
            },
        )
        self._instruments.count_attempt(
            {**self._metered, **ended}, resent=attempt.attempt > 1, within=self._context
        )

    def ended(self, error: BaseException | None) -> None:
        """End the span, and record how long the call took."""
        context.detach(self._token)
        ended: Attributes = {}
        if self._status is not None:
            ended["http.response.status_code"] = self._status
        if error is not None:
            ended["error.type"] = _error_type(error)
        try:
            self._instruments.duration.record(
                self._seconds(), {**self._metered, **ended}, self._context
            )
        finally:
            _end(self._span, ended, self._call.attempts, error)


def _metered(call: Call) -> Attributes:
    return {
        "monocloud.operation": call.operation.name,
        "http.request.method": call.operation.method,
        "server.address": call.request.url.host or "",
    }


def _described(call: Call, metered: Attributes) -> Attributes:
    return {
        **metered,
        "url.template": call.operation.template,
        "server.port": call.request.url.port or 0,
    }


def _propagate(call: Call, within: Context) -> None:
    """Send the trace context along, unless aiohttp's instrumentation, if active, sends its own."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier, within)
    known = call.request.headers.fields
    added = {name: value for name, value in sendable(carrier).items() if name not in known}
    # RequestHeaders would copy them twice, for calls with a body and for calls without.
    call.request.more_headers = added


def _end_of(attempt: ResponseInfo) -> Attributes:
    if attempt.status is None:
        kind = RequestTimeoutError if attempt.timed_out else TransportError
        return {"error.type": kind.__name__}
    ended: Attributes = {"http.response.status_code": attempt.status}
    if attempt.status >= 300:
        ended["error.type"] = str(attempt.status)
    return ended


def _error_type(error: BaseException) -> str:
    if isinstance(error, APIError):
        return str(error.status)
    return "cancelled" if isinstance(error, _CANCELLED) else type(error).__name__


def _end(span: Span, ended: Attributes, attempts: int, error: BaseException | None) -> None:
    span.set_attributes(ended)
    if attempts > 1:
        span.set_attribute("http.request.resend_count", attempts - 1)
    if isinstance(error, Exception):
        # Without a description, because messages may quote personal data from the server.
        span.set_status(Status(StatusCode.ERROR))
    span.end()
