"""RunMetrics: the pace and the rows of one bulk run."""

from __future__ import annotations

from collections.abc import Callable

from .._call import RunPace
from .instruments import Instruments


class RunMetrics:
    """Reports the pace of a run until it ends, and counts its rows.

    Args:
        instruments: the instruments to report with.
        server: the host that the run calls.
        pace: the pace of the run.
        is_on: returns whether to report and count at all.
    """

    def __init__(
        self, instruments: Instruments, server: str, pace: RunPace, is_on: Callable[[], bool]
    ) -> None:
        self._instruments = instruments
        self._server = server
        self._is_on = is_on
        instruments.runs[self] = (server, pace, is_on)

    def row_done(self, *, failed: bool) -> None:
        """Count a row that has its outcome."""
        if not self._is_on():
            return
        self._instruments.rows.add(
            1,
            {"server.address": self._server, "monocloud.outcome": "failed" if failed else "ok"},
        )

    def ended(self) -> None:
        """Stop reporting the pace."""
        self._instruments.runs.pop(self, None)
