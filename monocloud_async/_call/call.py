"""Call: what one call sends, and what became of its attempts so far."""

from __future__ import annotations

from typing import Any

import attrs

from .._http import Request
from .._operation import Operation
from .record import CallRecord


@attrs.define(eq=False)
class Call:
    """One call on its way.

    Attributes:
        operation: what it does.
        request: what it sends.
        started: when it began, by the caller's clock.
        deadline: when it has to end.
        attempts: how many times it was tried.
        failures: how many of the attempts failed, refusals for the rate limit aside.
        reached_server: whether the last attempt may have reached the server.
        reused_connection: whether the last attempt failed on a kept connection that was closed.
        may_have_been_applied: whether an attempt may have made the change.
        record: what telemetry keeps of it, if it does.
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
