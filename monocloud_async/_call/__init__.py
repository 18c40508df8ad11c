"""The engine behind single and bulk calls: build the URL, send, retry, decode."""

from .address import Query
from .call import Call
from .caller import Caller
from .observer import Observer, Telemetry
from .pace import Pace
from .record import CallRecord, RunPace, RunRecord

__all__ = [
    "Call",
    "CallRecord",
    "Caller",
    "Observer",
    "Pace",
    "Query",
    "RunPace",
    "RunRecord",
    "Telemetry",
]
