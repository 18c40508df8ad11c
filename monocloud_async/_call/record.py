"""What telemetry keeps of a call and of a run, and what it reads from a run."""

from __future__ import annotations

from typing import Protocol

from ..hooks import ResponseInfo


class RunPace(Protocol):
    """The pace of a run of many calls; read from any thread."""

    @property
    def rate(self) -> float:
        """Attempts a second that the run keeps to; infinite if nothing limits it."""
        ...

    @property
    def in_flight(self) -> int:
        """Rows that are being worked on."""
        ...


class CallRecord(Protocol):
    """What telemetry keeps of one call."""

    def attempted(self, attempt: ResponseInfo) -> None:
        """Note an attempt that ended."""
        ...

    def ended(self, error: BaseException | None) -> None:
        """Note the end of the call, and the error that it raises, if it does."""
        ...


class RunRecord(Protocol):
    """What telemetry keeps of one run of many calls."""

    def row_done(self, *, failed: bool) -> None:
        """Note a row that has its outcome."""
        ...

    def ended(self) -> None:
        """Note the end of the run."""
        ...
