"""Telemetry records of calls and runs, and the view of a run that telemetry reads."""

from __future__ import annotations

from typing import Protocol

from ..hooks import ResponseInfo


class RunPace(Protocol):
    """The pace of a bulk run, readable from any thread."""

    @property
    def rate(self) -> float:
        """The maximum number of attempts per second; infinite if nothing limits it."""
        ...

    @property
    def in_flight(self) -> int:
        """The number of rows in progress."""
        ...


class CallRecord(Protocol):
    """The telemetry record of one call."""

    def attempted(self, attempt: ResponseInfo) -> None:
        """Record an attempt that has ended."""
        ...

    def ended(self, error: BaseException | None) -> None:
        """Record the end of the call, and the error that it raises, if any."""
        ...


class RunRecord(Protocol):
    """The telemetry record of one bulk run."""

    def row_done(self, *, failed: bool) -> None:
        """Record a row that has its outcome."""
        ...

    def ended(self) -> None:
        """Record the end of the run."""
        ...
