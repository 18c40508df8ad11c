"""RowPace: makes one worker keep the run's pace, and counts the attempts for its current row."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import attrs

from .._call import Caller, RunPace
from .._operation import Operation
from ..errors import APIError, RateLimitedError, TransportError
from ..retry import TRANSIENT, RetryQuota, asked_wait
from .pacing import Turn


class AttemptGate(Protocol):
    """What every attempt of a run passes: the run's own ``Gate``, or one shared with other runs.

    Attributes:
        free: whether ``go`` may be called instead of ``turn``.
    """

    @property
    def free(self) -> bool: ...

    @property
    def pace(self) -> RunPace:
        """The pace it keeps, for telemetry."""
        ...

    def begin(self) -> None:
        """Record that a call has started, so attempts will follow."""
        ...

    def end(self) -> None:
        """Record that a call has ended."""
        ...

    async def turn(self) -> Turn:
        """Wait until an attempt may pass."""
        ...

    def go(self) -> Turn:
        """Let an attempt pass immediately; only valid while the gate is free."""
        ...

    def answered(self, turn: Turn, headers: Mapping[str, str]) -> None:
        """Record a response that shows the server is up, and its headers."""
        ...

    def refused(self, turn: Turn, error: RateLimitedError) -> None:
        """Record a response that the rate limit was exceeded."""
        ...

    def failed(self, turn: Turn, error: APIError | TransportError) -> None:
        """Record an attempt that failed because the server seems to be down."""
        ...


@attrs.frozen
class Tries:
    """The attempts made for a row.

    Attributes:
        attempts: the number of requests sent or started.
        may_have_been_applied: whether one of them may have been applied.
    """

    attempts: int
    may_have_been_applied: bool


class RowPace:
    """Lets one worker's attempts through the gate, and counts them for its current row.

    Args:
        gate: decides when an attempt may pass.
        max_retry_after: seconds. If the server asks for a longer wait, the whole run waits.
    """

    def __init__(self, gate: AttemptGate, max_retry_after: float) -> None:
        self._gate = gate
        self._max_retry_after = max_retry_after
        self._turn: Turn
        self.tries: Tries = Tries(0, may_have_been_applied=False)
        self._before = self.tries

    def next_row(self) -> None:
        """Reset the count for the next row."""
        self._before = self.tries = Tries(0, may_have_been_applied=False)

    @contextmanager
    def at_work(self) -> Generator[None, None, None]:
        """Keep this worker registered with the gate while the block runs."""
        self._gate.begin()
        try:
            yield
        finally:
            self._gate.end()

    async def turn(self, operation: Operation[Any]) -> None:
        """Wait until an attempt at an operation may be made."""
        self._turn = self._gate.go() if self._gate.free else await self._gate.turn()
        self._before = before = self.tries
        # Assume the worst until the attempt completes: a cancelled worker never learns more.
        applied = before.may_have_been_applied or not operation.reads
        self.tries = Tries(before.attempts + 1, applied)

    def unsent(self) -> None:
        """Record that the attempt was not sent after all."""
        self.tries = self._before

    def answered(self, headers: Mapping[str, str]) -> None:
        """Record that the attempt succeeded, and its response headers."""
        self._gate.answered(self._turn, headers)

    def failed(self, error: APIError | TransportError) -> None:
        """Record that the attempt failed."""
        applied = self._before.may_have_been_applied or error.may_have_been_applied
        self.tries = attrs.evolve(self.tries, may_have_been_applied=applied)
        if isinstance(error, RateLimitedError):
            self._gate.refused(self._turn, error)
        elif isinstance(error, APIError) and error.status not in TRANSIENT:
            self._gate.answered(self._turn, error.headers)
        else:
            self._gate.failed(self._turn, error)

    def waits_for(self, error: APIError | TransportError) -> bool:
        """Return whether the next turn already includes the wait that this failure asks for."""
        return isinstance(error, RateLimitedError) or (
            (asked_wait(error) or 0) > self._max_retry_after
        )


def at_pace(caller: Caller, pace: RowPace) -> Caller:
    """Return a caller whose attempts keep the run's pace.

    With it, a 429 does not fail a call: the call waits for its next turn.
    """
    return attrs.evolve(
        caller,
        # The gate throttles all workers, so there can be no retry storm. The client's quota
        # would run dry instead, and fail rows that could have been applied.
        quota=RetryQuota(),
        pace=pace,
    )
