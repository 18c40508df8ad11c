"""One call: address, attempt, retry, decode."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import attrs
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception
from yarl import URL

from . import retry
from ._converter import structure
from ._http import NoResponse, Pool, Proxy, RawResponse, Request, RequestHeaders, Sessions, exchange
from ._json import parse
from ._operation import Operation
from .errors import (
    APIError,
    ConfigurationError,
    InvalidRecordError,
    MonoCloudError,
    RequestTimeoutError,
    ResponseDecodeError,
    TransportError,
    api_error,
)
from .response import Response, trace_id_of
from .retry import RetryPolicy, RetryQuota

T = TypeVar("T")
_SHOWN_BODY = 500
_KNOWS_HANDLED = sys.version_info >= (3, 11)
_log = logging.getLogger("monocloud")


@attrs.define(eq=False)
class _Call:
    """One call on its way: what to send, and what became of its attempts so far."""

    operation: Operation[Any]
    request: Request
    started: float
    deadline: float
    attempts: int = 0
    reached_server: bool = True
    kept_connection: bool = False
    may_have_been_applied: bool = False


@attrs.frozen(eq=False, repr=False)
class Transport:
    """What turns an operation into a record, over the connections of a client.

    Attributes:
        sessions: the connections.
        origin: the tenant's origin, as a URL.
        headers: what every request carries.
        proxy: the proxy on the way, or None.
        timeout: seconds for one attempt, its body included.
        policy: how to repeat what failed.
        quota: what may be spent on repeats.
        clock: tells the time in seconds, from any start.
        sleep: waits some seconds.
    """

    sessions: Sessions
    origin: URL
    headers: RequestHeaders
    proxy: Proxy | None
    timeout: float
    policy: RetryPolicy
    quota: RetryQuota = attrs.field(factory=RetryQuota)
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def call(
        self, operation: Operation[T], *ids: str, body: Mapping[str, object] | None = None
    ) -> T:
        """Carry out an operation and return the record that it answers with.

        Args:
            operation: what to do.
            ids: the ids of its path, in its order.
            body: the JSON to send; None sends no body.
        """
        url = self.origin.with_path(operation.address(*ids), encoded=True)
        request = Request(operation.method, url, self.headers, body, self.proxy)
        now = self.clock()
        call = _Call(operation, request, started=now, deadline=now + self.policy.deadline)
        # What the caller is handling, if anything; on Python 3.10 that may be long handled, and
        # aiohttp's.
        handled = sys.exc_info()[1] if _KNOWS_HANDLED else None
        try:
            answer = await self._send(call)
            record = _decode(call, answer, operation.result)
        except MonoCloudError as error:
            # An error of aiohttp's holds the request's headers, and must not hang on to ours.
            error.__context__ = handled
            raise
        response = Response(
            status=answer.status,
            headers=answer.headers,
            attempts=call.attempts,
            elapsed=self.clock() - now,
        )
        object.__setattr__(record, "response", response)
        return record

    async def _send(self, call: _Call) -> RawResponse:
        """Try once, and let tenacity say when to try again only if that failed."""
        try:
            answer = await self._attempt(call)
        except (APIError, TransportError) as error:
            failure = error
        else:
            self.quota.give_back()
            return answer
        return await self._send_again(call, failure)

    async def _send_again(self, call: _Call, failure: APIError | TransportError) -> RawResponse:
        first = True

        async def attempt() -> RawResponse:
            nonlocal first, failure
            # The first attempt is over: tenacity counts it, and waits after it as after others.
            # And one that a closed client cannot repeat is how the call ended.
            if first or self.sessions.closed:
                first = False
                raise failure
            try:
                return await self._attempt(call)
            except ConfigurationError:
                raise failure from None
            except (APIError, TransportError) as error:
                failure = error
                raise

        def may_repeat(error: BaseException) -> bool:
            return retry.may_repeat(
                error, repeatable=call.operation.repeatable, reached_server=call.reached_server
            )

        retrying = AsyncRetrying(
            sleep=self.sleep,
            retry=retry_if_exception(may_repeat),
            wait=lambda state: self._wait(call, state),
            stop=lambda state: self._gives_up(call, state),
            reraise=True,
        )
        return await retrying(attempt)

    def _wait(self, call: _Call, state: RetryCallState) -> float:
        if call.attempts == 1 and call.kept_connection:
            return 0.0
        return self.policy.delay(call.attempts, _error(state))

    def _gives_up(self, call: _Call, state: RetryCallState) -> bool:
        error = _error(state)
        return (
            call.attempts >= self.policy.max_attempts
            or self.sessions.closed
            or not self.policy.allows_wait(error)
            or self.clock() + state.upcoming_sleep >= call.deadline
            or not self.quota.take(error)
        )

    async def _attempt(self, call: _Call) -> RawResponse:
        """Make one exchange with the server; return its success, or raise its failure."""
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
        if _log.isEnabledFor(logging.DEBUG):
            _log_attempt(call, result, self.clock() - began)
        if isinstance(result, RawResponse) and 200 <= result.status < 300:
            return result
        raise self._failure(call, result, limit)

    async def _wait_for_slot(self, pool: Pool, call: _Call) -> float:
        """Wait for a connection to be free, and return the time at which it was."""
        try:
            with pool.time_limits.limit(call.deadline - self.clock()):
                await pool.slots.acquire()
        except asyncio.TimeoutError:
            pass
        else:
            return self._time_of_slot(pool)
        raise RequestTimeoutError(
            f"the deadline of {self.policy.deadline:g} s passed, waiting for one of "
            f"{pool.room} connections to be free",
            operation=call.operation.name,
            attempts=call.attempts,
            may_have_been_applied=call.may_have_been_applied,
        )

    def _time_of_slot(self, pool: Pool) -> float:
        try:
            # It may have been closed while this call waited.
            self.sessions.opened()
        except ConfigurationError:
            pool.slots.release()
            raise
        return self.clock()

    def _failure(
        self, call: _Call, result: RawResponse | NoResponse, limit: float
    ) -> APIError | TransportError:
        """Return the error for a failed attempt, with what earlier ones left open."""
        failure: APIError | TransportError
        if isinstance(result, RawResponse):
            call.reached_server, call.kept_connection = True, False
            result.mask_key(call.request.headers)
            failure = _refusal(call.operation.name, result)
        else:
            call.reached_server = result.reached_server
            call.kept_connection = result.reused_connection
            failure = self._no_answer(call.operation.name, result, limit)
            failure.permanent = result.permanent
        if not call.operation.reads:
            call.may_have_been_applied |= retry.leaves_open(
                failure, reached_server=call.reached_server
            )
        failure.attempts = call.attempts
        failure.may_have_been_applied = call.may_have_been_applied
        return failure

    def _no_answer(self, operation: str, result: NoResponse, limit: float) -> TransportError:
        if not result.timed_out:
            closed = self.sessions.closed
            reason = "the client was closed during the call" if closed else result.reason
            return TransportError(reason, operation=operation)
        which, seconds = "attempt's timeout", self.timeout
        if limit < seconds:
            which, seconds = "call's deadline", self.policy.deadline
        return RequestTimeoutError(
            f"no answer within the {which} of {seconds:g} s", operation=operation
        )


def _refusal(operation: str, answer: RawResponse) -> APIError:
    body = b"" if answer.unreadable else answer.body
    asked = retry.retry_after(answer.headers)
    return api_error(answer.status, answer.headers, body, operation=operation, retry_after=asked)


def _decode(call: _Call, answer: RawResponse, kind: type[T]) -> T:
    reason, path = answer.unreadable, None
    try:
        if not reason:
            return structure(parse(answer.body), kind)
    except InvalidRecordError as error:
        reason, path = str(error), error.path
    except (ValueError, RecursionError) as error:
        reason = str(error)
    applied = "" if call.operation.reads else ", so the change was applied"
    answer.mask_key(call.request.headers)
    raise ResponseDecodeError(
        f"the server answered {answer.status}{applied}, but its answer cannot be read: {reason}",
        operation=call.operation.name,
        status=answer.status,
        headers=answer.headers,
        body=answer.body[:_SHOWN_BODY],
        path=path,
        attempts=call.attempts,
    )


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _log_attempt(call: _Call, result: RawResponse | NoResponse, seconds: float) -> None:
    if isinstance(result, RawResponse):
        outcome = str(result.status)
        trace = trace_id_of(result.headers)
    else:
        outcome = "timed out" if result.timed_out else result.reason
        trace = None
    _log.debug(
        "%s attempt %d: %s in %.1f ms, trace %s",
        call.operation.name,
        call.attempts,
        outcome,
        seconds * 1000,
        trace or "-",
    )
