"""Observer: passes calls to hooks and telemetry, and shields the calls from their failures."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

import attrs

from .. import _log_line
from .._http import NoResponse, RawResponse
from ..hooks import RequestHook, RequestInfo, ResponseHook, ResponseInfo
from ..response import trace_id_of
from ..retry import RetryQuota
from .call import Call
from .hook_run import run_hook
from .record import CallRecord, RunPace, RunRecord

T = TypeVar("T")
_log = logging.getLogger("monocloud")


class Telemetry(Protocol):
    """Records calls for a tracing system; ``monocloud_async.telemetry.OpenTelemetry`` is one."""

    def client_made(self, server: str, quota: RetryQuota) -> None:
        """Record a new client: its server, and its retry budget."""
        ...

    def call_began(self, call: Call) -> CallRecord | None:
        """Start recording a call, and optionally add headers to it; None leaves it unrecorded."""
        ...

    def run_began(self, server: str, pace: RunPace) -> RunRecord | None:
        """Start recording a bulk run; None leaves it unrecorded."""
        ...


@attrs.frozen(eq=False)
class Observer:
    """Passes the calls of a client to its hooks and telemetry.

    Nothing that a hook or telemetry raises reaches the call, because it would report an applied
    change as a failure. The exceptions are a cancellation of the call itself, and errors that end
    the program, such as a KeyboardInterrupt.

    Attributes:
        on_request: called before each attempt, in this order.
        on_response: called after each attempt, in this order.
        telemetry: records calls and runs.
    """

    on_request: tuple[RequestHook, ...] = ()
    on_response: tuple[ResponseHook, ...] = ()
    telemetry: Telemetry | None = None

    def client_made(self, server: str, quota: RetryQuota) -> None:
        """Record a new client, if there is telemetry."""
        if (telemetry := self.telemetry) is not None:
            quietly(lambda: telemetry.client_made(server, quota))

    def run_began(self, server: str, pace: RunPace) -> RunRecord | None:
        """Start recording a bulk run, if there is telemetry."""
        telemetry = self.telemetry
        return None if telemetry is None else quietly(lambda: telemetry.run_began(server, pace))

    async def watch(self, call: Call, carry_out: Callable[[Call], Awaitable[T]]) -> T:
        """Carry out a call, and record it."""
        telemetry = self.telemetry
        record = None if telemetry is None else quietly(lambda: telemetry.call_began(call))
        if record is None:
            return await carry_out(call)
        call.record = record
        error: BaseException | None = None
        try:
            return await carry_out(call)
        except BaseException as failure:
            error = failure
            raise
        finally:
            _end(record, error)
            # The record may know the call: break this cycle, which would keep the call's body.
            call.record = None
            # Break the reference cycle between this frame and the error's traceback.
            del error

    async def sending(self, call: Call, left: Callable[[], float]) -> None:
        """Call the hooks for an attempt that is about to be sent.

        Args:
            call: the call.
            left: tells the seconds that a hook may wait.
        """
        if self.on_request:
            info = RequestInfo(attempt=call.attempts + 1, **_operation_of(call))
            for hook in self.on_request:
                await run_hook("on_request", hook, info, left())

    async def attempted(
        self,
        call: Call,
        result: RawResponse | NoResponse,
        seconds: float,
        left: Callable[[], float],
    ) -> None:
        """Record an attempt that has ended, and call the hooks for it.

        Args:
            call: the call.
            result: how the attempt ended.
            seconds: how long it took.
            left: tells the seconds that a hook may wait.
        """
        record = call.record
        if record is None and not self.on_response:
            return
        info = attempt_info(call, result, seconds)
        if record is not None:
            quietly(lambda: record.attempted(info))
        for hook in self.on_response:
            await run_hook("on_response", hook, info, left())


class _Default:
    telemetry: Telemetry | None = None


def default_telemetry() -> Telemetry | None:
    """Return the telemetry of clients that are created without one of their own."""
    return _Default.telemetry


def set_default_telemetry(telemetry: Telemetry | None) -> None:
    """Set the telemetry of such clients; existing clients keep theirs."""
    _Default.telemetry = telemetry


def attempt_info(call: Call, result: RawResponse | NoResponse, seconds: float) -> ResponseInfo:
    """Return how an attempt ended, without any personal data."""
    ended: dict[str, Any]
    if isinstance(result, RawResponse):
        trace = trace_id_of(result.headers)
        # A server that echoes requests may echo the key in any header.
        trace = trace and call.request.headers.masked_in(trace)
        ended = {"status": result.status, "failure": None, "timed_out": False, "trace_id": trace}
    else:
        why = "timed out" if result.timed_out else result.reason
        ended = {"status": None, "failure": why, "timed_out": result.timed_out, "trace_id": None}
    return ResponseInfo(attempt=call.attempts, seconds=seconds, **ended, **_operation_of(call))


def quietly(call: Callable[[], T]) -> T | None:
    """Call a function of telemetry or logging; if it raises, log that and return None."""
    try:
        return call()
    except (Exception, asyncio.CancelledError) as error:
        # Without the traceback: its frames could show the URL, which contains ids.
        message = "telemetry failed, and the call continues: %s"
        _log_line.write(_log, logging.WARNING, message, type(error).__name__)
        return None


def _end(record: CallRecord, error: BaseException | None) -> None:
    quietly(lambda: record.ended(error))


def _operation_of(call: Call) -> Mapping[str, Any]:
    operation = call.operation
    return {
        "operation": operation.name,
        "method": operation.method,
        "url_template": operation.template,
    }
