"""RowPace: the pace of a run as one worker keeps it, and what it tried for the row at hand."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs

from .._call import Caller
from .._operation import Operation
from ..errors import APIError, RateLimitedError, TransportError
from ..retry import TRANSIENT, RetryQuota, asked_wait
from .gate import Gate, Turn

# A row may wait for a connection for as long as it takes; each attempt has its timeout.
_NO_DEADLINE = 366 * 24 * 3600.0


@attrs.frozen
class Tries:
    """What was tried for a row.

    Attributes:
        attempts: the requests that were made, or begun.
        may_have_been_applied: whether one of them may have made a change.
    """

    attempts: int
    may_have_been_applied: bool


class RowPace:
    """Lets the attempts of one worker pass the gate, and counts those for its row.

    Args:
        gate: says whose turn it is.
        max_retry_after: seconds; a longer wait that the server asks for, the whole run sits out.
    """

    def __init__(self, gate: Gate, max_retry_after: float) -> None:
        self._gate = gate
        self._max_retry_after = max_retry_after
        self._turn: Turn
        self.tries: Tries = Tries(0, may_have_been_applied=False)
        self._before = self.tries

    def next_row(self) -> None:
        """Begin to count anew."""
        self._before = self.tries = Tries(0, may_have_been_applied=False)

    @contextmanager
    def at_work(self) -> Generator[None, None, None]:
        """Tell the gate that attempts of this worker will come, while the block runs."""
        self._gate.begin()
        try:
            yield
        finally:
            self._gate.end()

    async def turn(self, operation: Operation[Any]) -> None:
        """Wait until an attempt at an operation may be made."""
        self._turn = self._gate.go() if self._gate.free else await self._gate.turn()
        self._before = before = self.tries
        # Until it is known better: a worker that is cancelled meanwhile never learns it.
        applied = before.may_have_been_applied or not operation.reads
        self.tries = Tries(before.attempts + 1, applied)

    def unsent(self) -> None:
        """Note that the attempt was not made after all."""
        self.tries = self._before

    def answered(self, headers: Mapping[str, str]) -> None:
        """Note that the attempt succeeded, and the headers of its answer."""
        self._gate.answered(self._turn, headers)

    def failed(self, error: APIError | TransportError) -> None:
        """Note that the attempt failed."""
        applied = self._before.may_have_been_applied or error.may_have_been_applied
        self.tries = attrs.evolve(self.tries, may_have_been_applied=applied)
        if isinstance(error, RateLimitedError):
            self._gate.refused(self._turn, error)
        elif isinstance(error, APIError) and error.status not in TRANSIENT:
            self._gate.answered(self._turn, error.headers)
        else:
            self._gate.failed(self._turn, error)

    def waits_for(self, error: APIError | TransportError) -> bool:
        """Return whether the next turn comes only after the wait that this failure asks for."""
        return isinstance(error, RateLimitedError) or (
            (asked_wait(error) or 0) > self._max_retry_after
        )


def at_pace(caller: Caller, pace: RowPace) -> Caller:
    """Return a caller whose attempts keep a pace.

    Being told to slow down is not a failure of a call then: it waits for another turn.
    """
    return attrs.evolve(
        caller,
        policy=attrs.evolve(caller.policy, deadline=_NO_DEADLINE),
        # The workers are few and the gate slows them all, so no storm can arise: the
        # client's quota would run dry, and rows fail that could have been applied.
        quota=RetryQuota(),
        pace=pace,
    )
