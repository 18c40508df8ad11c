"""Errors of failed attempts, including whether an earlier attempt may have been applied."""

from __future__ import annotations

from .. import retry
from .._api_error import api_error
from .._http import NoResponse, RawResponse
from ..errors import APIError, RateLimitedError, RequestTimeoutError, TransportError
from .call import Call


def refusal(call: Call, response: RawResponse) -> APIError:
    """Return the error for a response that is not a 2xx."""
    call.reached_server, call.reused_connection = True, False
    response.mask_key(call.request.headers)
    error = api_error(
        response.status,
        response.headers,
        b"" if response.unreadable else response.body,
        operation=call.operation.name,
        retry_after=retry.retry_after(response.headers),
    )
    _note(call, error)
    return error


def no_answer(call: Call, result: NoResponse, late: str, *, closed: bool) -> TransportError:
    """Return the error for an exchange that produced no usable response.

    Args:
        call: the call.
        result: why it produced none.
        late: the limit that passed, if one did.
        closed: whether the client was closed during the exchange.
    """
    call.reached_server = result.reached_server
    call.reused_connection = result.reused_connection
    name = call.operation.name
    error: TransportError
    if result.timed_out:
        error = RequestTimeoutError(f"no response within the {late}", operation=name)
    else:
        reason = "the client was closed during the call" if closed else result.reason
        error = TransportError(reason, operation=name)
    error.permanent = result.permanent
    if result.cause is not None:
        error.__cause__ = result.cause
    _note(call, error)
    return error


def no_connection(call: Call, deadline: float, connections: int) -> RequestTimeoutError:
    """Return the error for a call whose deadline passed before a connection was free."""
    return RequestTimeoutError(
        f"the deadline of {deadline:g} s passed while waiting for one of {connections} connections "
        "to become free",
        operation=call.operation.name,
        attempts=call.attempts,
        may_have_been_applied=call.may_have_been_applied,
    )


def _note(call: Call, error: APIError | TransportError) -> None:
    call.failures += not isinstance(error, RateLimitedError)
    if not call.operation.reads:
        call.may_have_been_applied |= retry.outcome_is_unknown(
            error, reached_server=call.reached_server
        )
    error.attempts = call.attempts
    error.may_have_been_applied = call.may_have_been_applied
