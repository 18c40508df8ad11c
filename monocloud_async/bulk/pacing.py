"""The pace of a run: when the next attempt may be made. Nothing here does I/O or knows a clock."""

from __future__ import annotations

from collections.abc import Mapping

import attrs


@attrs.frozen(eq=False)
class Turn:
    """One attempt's leave to be made.

    Attributes:
        at: the time at which it was given.
    """

    at: float


class Pacing:
    """The pace.

    Args:
        rate: attempts a second, at most; None for as many as the server takes.
    """

    def __init__(self, rate: float | None, now: float) -> None:
        self._rate = rate
        self._next = now
        self._pause = now

    @property
    def free(self) -> bool:
        return False

    def wait(self, now: float) -> float:
        return max(self._next, self._pause) - now

    def go(self, now: float) -> Turn:
        if self._rate is not None:
            self._next = max(self._next, now - 0.02) + 1 / self._rate
        return Turn(now)

    def answered(self, turn: Turn, now: float, headers: Mapping[str, str]) -> None:
        pass

    def refused(
        self, turn: Turn, now: float, retry_after: float | None, headers: Mapping[str, str]
    ) -> None:
        self._pause = max(self._pause, now + (1.0 if retry_after is None else retry_after))

    def failed(self, turn: Turn, now: float, retry_after: float | None) -> None:
        pass
