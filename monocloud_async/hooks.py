"""Hooks: your own functions, called before and after each attempt of a call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs


@attrs.frozen(kw_only=True)
class RequestInfo:
    """An attempt that is about to be sent. It never holds ids, headers, a body or the API key.

    Attributes:
        operation: the operation's name, such as ``phones.set_primary``.
        method: the HTTP method.
        url_template: the path with its parameters unfilled, such as ``/api/users/{user_id}``.
        attempt: 1 for the first attempt of a call, 2 for its first retry.
    """

    operation: str
    method: str
    url_template: str
    attempt: int

    @property
    def resend_count(self) -> int:
        """How many attempts of the same call came before this one."""
        return self.attempt - 1


@attrs.frozen(kw_only=True)
class ResponseInfo(RequestInfo):
    """An attempt that has ended: the fields of its ``RequestInfo``, and the result.

    Attributes:
        status: the HTTP status; None if no response arrived.
        failure: why no response arrived; None if one did.
        timed_out: whether the attempt ended because a time limit passed.
        seconds: how long the attempt took.
        trace_id: the server's trace id of the request, if it sent one.
    """

    status: int | None
    failure: str | None
    timed_out: bool
    seconds: float
    trace_id: str | None


RequestHook = Callable[[RequestInfo], Awaitable[None] | None]
ResponseHook = Callable[[ResponseInfo], Awaitable[None] | None]
