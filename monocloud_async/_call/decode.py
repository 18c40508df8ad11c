"""What an answer means: its result, or the error that says why it cannot be read."""

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


def decode(call: Call, answer: RawResponse, elapsed: float) -> Any:
    """Return the result of a call, which knows the answer that it came in.

    Args:
        call: the call.
        answer: a 2xx.
        elapsed: seconds that the call took.

    Raises:
        ResponseDecodeError: the answer cannot be read.
    """
    result = _result(call, answer)
    exchange: dict[str, Any] = {
        "status": answer.status,
        "headers": answer.headers,
        "attempts": call.attempts,
        "elapsed": elapsed,
    }
    if call.operation.decode is content:
        return APIResponse(body=result, **exchange)
    if isinstance(result, (AnswerRecord, Page)):
        object.__setattr__(cast("Any", result), "response", Response(**exchange))
    return cast("Any", result)


def _result(call: Call, answer: RawResponse) -> Any:
    reason, path = answer.unreadable, None
    try:
        if not reason:
            return call.operation.decode(answer.body, answer.headers)
    except InvalidRecordError as error:
        reason, path = str(error), error.path
    except (ValueError, RecursionError) as error:
        reason = str(error)
    raise _unreadable(call, answer, reason, path)


def _unreadable(
    call: Call, answer: RawResponse, reason: str, path: str | None
) -> ResponseDecodeError:
    applied = "" if call.operation.reads else ", so the change was applied"
    answer.mask_key(call.request.headers)
    return ResponseDecodeError(
        f"the server answered {answer.status}{applied}, but its answer cannot be read: {reason}",
        operation=call.operation.name,
        status=answer.status,
        headers=answer.headers,
        body=answer.body[:_SHOWN_BODY],
        path=path,
        attempts=call.attempts,
        may_have_been_applied=not call.operation.reads,
    )
