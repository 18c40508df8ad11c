"""Caller: carries out an operation, from its arguments to its result."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

import attrs
from yarl import URL

from .._http import (
    NoResponse,
    Pool,
    Proxy,
    RawResponse,
    Request,
    RequestHeaders,
    Sessions,
    exchange,
)
from .._operation import Operation
from ..errors import APIError, ConfigurationError, MonoCloudError, TransportError
from ..retry import RetryPolicy, RetryQuota
from .address import Query, url_of
from .call import Call
from .decode import decode
from .failure import no_answer, no_connection, refusal
from .observer import Observer, attempt_info, quietly
from .pace import Pace
from .repeat import Repeating, resume

T = TypeVar("T")
_KNOWS_HANDLED = sys.version_info >= (3, 11)
_log = logging.getLogger("monocloud")
# A row of a run may wait for a connection indefinitely; each attempt has its own timeout.
_NO_DEADLINE = 366 * 24 * 3600.0


@attrs.frozen(eq=False, repr=False)
class Caller:
    """Carries out operations over the connections of a client.

    Attributes:
        sessions: the connections.
        origin: the tenant's origin, as a URL.
        headers: the headers of every request.
        proxy: the proxy to use, or None.
        timeout: seconds for one attempt, including the response body.
        policy: the retry policy.
        quota: the budget for retries.
        pace: the pace of the run that the calls belong to; None for single calls.
        observer: passes the calls to hooks and telemetry; None if there are none.
        clock: returns the time in seconds, from any starting point.
        sleep: waits for a number of seconds.
    """

    sessions: Sessions
    origin: URL
    headers: RequestHeaders
    proxy: Proxy | None
    timeout: float
    policy: RetryPolicy
    quota: RetryQuota = attrs.field(factory=RetryQuota)
    pace: Pace | None = None
    observer: Observer | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    @property
    def server(self) -> str:
        """The host that the calls go to."""
        return self.origin.host or ""

    async def call(
        self,
        operation: Operation[T],
        *ids: str,
        query: Query | None = None,
        body: object = None,
    ) -> T:
        """Carry out an operation and return its result.

        Args:
            operation: the operation.
            ids: the ids of its path, in order.
            query: the query parameters; those that are None are left out.
            body: the JSON to send; None sends no body.
        """
        url = url_of(self.origin, operation, ids, query)
        request = Request(operation.method, url, self.headers, body, self.proxy)
        now = self.clock()
        whole = _NO_DEADLINE if self.pace is not None else self.policy.deadline
        call = Call(operation, request, started=now, deadline=now + whole)
        if self.observer is None:
            return cast("T", await self._result(call))
        return cast("T", await self.observer.watch(call, self._result))

    async def _result(self, call: Call) -> Any:
        handled = sys.exc_info()[1] if _KNOWS_HANDLED else None
        try:
            response = await self._answer(call)
            return decode(call, response, self.clock() - call.started)
        except MonoCloudError as error:
            if call.operation.is_done(error):
                return None
            # When a future fails, Python loses the exception that the caller was handling. Before
            # 3.11, the context may be an aiohttp error instead, which holds the headers and so
            # the key. Restoring it costs 0.1 us a call.
            error.__context__ = handled
            raise

    async def _answer(self, call: Call) -> RawResponse:
        """Return the 2xx response to a call, retrying as the policy allows."""
        attempt = self._attempt if self.pace is None else self._paced_attempt
        try:
            response = await attempt(call)
        except (APIError, TransportError) as error:
            repeating = self._repeating(call)
            if not repeating.may_repeat(error):
                # No frame that the error knows may keep it, and the call's body with it.
                raise
            failure = error
        else:
            self.quota.give_back()
            return response
        return await self._repeated(lambda: attempt(call), repeating, failure)

    def _repeating(self, call: Call) -> Repeating:
        sessions = self.sessions
        return Repeating(
            call, self.policy, self.quota, self.pace, self.clock, lambda: sessions.closed
        )

    async def _repeated(
        self,
        attempt: Callable[[], Awaitable[RawResponse]],
        repeating: Repeating,
        failure: APIError | TransportError,
    ) -> RawResponse:
        """Return the 2xx of a further attempt."""

        async def again() -> RawResponse:
            nonlocal failure
            try:
                return await attempt()
            except (APIError, TransportError) as error:
                failure = error
                raise

        try:
            return await resume(repeating.retrying(), again, failure, self.wait)
        except ConfigurationError:
            # The client was closed during the wait: report the last failure of the call.
            raise failure from None

    async def wait(self, seconds: float) -> None:
        """Wait for a number of seconds.

        Raises:
            ConfigurationError: the client was closed during the wait.
        """
        pool = self.sessions.opened()
        if pool is None or seconds <= 0:
            await self.sleep(seconds)
            return
        waits = [asyncio.ensure_future(w) for w in (self.sleep(seconds), pool.closing.wait())]
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        for wait in done:
            wait.result()
        self.sessions.opened()

    async def _paced_attempt(self, call: Call) -> RawResponse:
        """Make an attempt when it is its turn in the run, and report the result to the pace."""
        assert self.pace is not None  # noqa: S101  (only a run calls this)
        await self.pace.turn(call.operation)
        try:
            response = await self._attempt(call)
        except ConfigurationError:
            self.pace.unsent()
            raise
        except (APIError, TransportError) as error:
            self.pace.failed(error)
            raise
        self.pace.answered(response.headers)
        return response

    async def _attempt(self, call: Call) -> RawResponse:
        """Make one exchange with the server; return a 2xx response, or raise the error."""
        if self.observer is not None:
            # Call hooks before taking a connection, because a hook may make calls of its own.
            await self.observer.sending(call, lambda: self._patience(call))
        pool = self.sessions.opened() or await self.sessions.open()
        began = self.clock()
        if began >= call.deadline or not pool.slots.try_acquire():
            began = await self._wait_for_slot(pool, call)
        limit = min(self.timeout, call.deadline - began)
        try:
            call.attempts += 1
            result = await exchange(pool, call.request, limit)
        finally:
            pool.slots.release()
        if self.observer is not None or _log.isEnabledFor(logging.DEBUG):
            await self._report(call, result, self.clock() - began)
        if isinstance(result, NoResponse):
            raise no_answer(call, result, self._late(limit), closed=self.sessions.closed)
        if 200 <= result.status < 300:
            return result
        raise refusal(call, result)

    async def _report(self, call: Call, result: RawResponse | NoResponse, seconds: float) -> None:
        """Report an attempt to the log and the observer."""
        if _log.isEnabledFor(logging.DEBUG):
            # A log filter may raise, which must not turn an applied change into a failure.
            quietly(lambda: _log_attempt(call, result, seconds))
        if self.observer is not None:
            await self.observer.attempted(call, result, seconds, lambda: self._patience(call))

    def _patience(self, call: Call) -> float:
        """Return the seconds that a hook may wait: what is left of the call, even within a run."""
        return min(call.deadline - self.clock(), self.policy.deadline)

    async def _wait_for_slot(self, pool: Pool, call: Call) -> float:
        """Wait until a connection is free, and return the time at that moment."""
        try:
            with pool.time_limits.limit(call.deadline - self.clock()):
                await pool.slots.acquire()
        except asyncio.TimeoutError:
            pass
        else:
            return self._time_of_slot(pool)
        raise no_connection(call, self.policy.deadline, pool.room)

    def _time_of_slot(self, pool: Pool) -> float:
        try:
            # The client may have been closed while this call waited.
            self.sessions.opened()
        except ConfigurationError:
            pool.slots.release()
            raise
        return self.clock()

    def _late(self, limit: float) -> str:
        """Return the limit that an attempt exceeded, for the message."""
        if limit < self.timeout:
            unsent = ", which passed before the request was sent" if limit <= 0 else ""
            return f"call's deadline of {self.policy.deadline:g} s{unsent}"
        return f"attempt's timeout of {self.timeout:g} s"


def _log_attempt(call: Call, result: RawResponse | NoResponse, seconds: float) -> None:
    attempt = attempt_info(call, result, seconds)
    _log.debug(
        "%s attempt %d: %s in %.1f ms, trace %s",
        attempt.operation,
        attempt.attempt,
        attempt.failure or attempt.status,
        seconds * 1000,
        attempt.trace_id or "-",
    )
