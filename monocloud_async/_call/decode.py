"""Decoding: from a response to its result, or to the error that says why it cannot be read."""

from __future__ import annotations

from typing import Any, cast

from .._http import RawResponse
from .._operation import content
from ..errors import InvalidRecordError, ResponseDecodeError
from ..models import AnswerRecord
from ..pages import Page
from ..response import APIResponse, Response
from .call import Call

_SHOWN_BODY = 500


def decode(call: Call, response: RawResponse, elapsed: float) -> Any:
    """Return the result of a call, with its response attached to records and pages.

    Args:
        call: the call.
        response: a 2xx response.
        elapsed: seconds that the call took.

    Raises:
        ResponseDecodeError: the response cannot be read.
    """
    result = _result(call, response)
    exchange: dict[str, Any] = {
        "status": response.status,
        "headers": response.headers,
        "attempts": call.attempts,
        "elapsed": elapsed,
    }
    if call.operation.decode is content:
        return APIResponse(body=result, **exchange)
    if isinstance(result, (AnswerRecord, Page)):
        object.__setattr__(cast("Any", result), "response", Response(**exchange))
    return cast("Any", result)


def _result(call: Call, response: RawResponse) -> Any:
    reason, path = response.unreadable, None
    try:
        if not reason:
            return call.operation.decode(response.body, response.headers)
    except InvalidRecordError as error:
        reason, path = str(error), error.path
    except (ValueError, RecursionError) as error:
        reason = str(error)
    raise _unreadable(call, response, reason, path)


def _unreadable(
    call: Call, response: RawResponse, reason: str, path: str | None
) -> ResponseDecodeError:
    applied = "" if call.operation.reads else ", so the change was applied"
    response.mask_key(call.request.headers)
    return ResponseDecodeError(
        f"the server responded with {response.status}{applied}, but the response cannot be read: "
        f"{reason}",
        operation=call.operation.name,
        status=response.status,
        headers=response.headers,
        body=response.body[:_SHOWN_BODY],
        path=path,
        attempts=call.attempts,
        may_have_been_applied=not call.operation.reads,
    )
