"""Call: the state of one call, from its request to the results of its attempts."""

from __future__ import annotations

from typing import Any

import attrs

from .._http import Request
from .._operation import Operation
from .record import CallRecord


@attrs.define(eq=False)
class Call:
    """One call in progress.

    Attributes:
        operation: the operation.
        request: the request that each attempt sends.
        started: when it began, by the caller's clock.
        deadline: when it has to end, by the same clock.
        attempts: the number of attempts so far.
        failures: the number of failed attempts, not counting those that hit the rate limit.
        reached_server: whether the last attempt may have reached the server.
        reused_connection: whether the last attempt failed on a kept-alive connection that turned
            out to be closed.
        may_have_been_applied: whether an attempt may have made the change.
        record: its telemetry record, if it has one.
    """

    operation: Operation[Any]
    request: Request
    started: float
    deadline: float
    attempts: int = 0
    failures: int = 0
    reached_server: bool = True
    reused_connection: bool = False
    may_have_been_applied: bool = False
    record: CallRecord | None = None
