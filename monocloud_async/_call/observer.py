"""Observer: lets hooks and telemetry see calls, and keeps their failures away from the calls."""

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
        """Note a client, by its server, and what its calls may spend on retries."""
        ...

    def call_began(self, call: Call) -> CallRecord | None:
        """Record a call, which may be given more headers; None leaves it unrecorded."""
        ...

    def run_began(self, server: str, pace: RunPace) -> RunRecord | None:
        """Record a run of many calls; None leaves it unrecorded."""
        ...


@attrs.frozen(eq=False)
class Observer:
    """What sees the calls of a client.

    Nothing that a hook or telemetry raises reaches the call: an error would report a change that
    was made as one that failed. Only a cancellation of the call itself passes, and what ends the
    program, such as a KeyboardInterrupt.

    Attributes:
        on_request: called before each attempt, in this order.
        on_response: called after each attempt, in this order.
        telemetry: records calls and runs.
    """

    on_request: tuple[RequestHook, ...] = ()
    on_response: tuple[ResponseHook, ...] = ()
    telemetry: Telemetry | None = None

    def client_made(self, server: str, quota: RetryQuota) -> None:
        """Tell telemetry about a client."""
        if (telemetry := self.telemetry) is not None:
            quietly(lambda: telemetry.client_made(server, quota))

    def run_began(self, server: str, pace: RunPace) -> RunRecord | None:
        """Record a run of many calls, if there is telemetry."""
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
            # The record may know the call: they would keep each other, and the call's body.
            call.record = None
            # The error's traceback knows this frame: they would keep each other.
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
        """Record an attempt that ended, and call the hooks for it.

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
    """Return what records the calls of clients that are made without telemetry of their own."""
    return _Default.telemetry


def set_default_telemetry(telemetry: Telemetry | None) -> None:
    """Set what records the calls of such clients, from the next one on."""
    _Default.telemetry = telemetry


def attempt_info(call: Call, result: RawResponse | NoResponse, seconds: float) -> ResponseInfo:
    """Return how an attempt ended, without anything about persons."""
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
    """Make a call of telemetry; log what it raises, and return None then."""
    try:
        return call()
    except (Exception, asyncio.CancelledError) as error:
        # Not its traceback: frames that a logger shows could hold the URL, and ids with it.
        message = "telemetry failed, and the call goes on: %s"
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
