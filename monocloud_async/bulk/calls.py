"""The calls of a run: each attempt waits for its turn, and one that failed is made again."""

from __future__ import annotations

from typing import TypeVar

import attrs

from .. import retry
from .._operation import Operation
from .._transport import Transport
from ..errors import (
    APIError,
    ConfigurationError,
    InvalidArgumentError,
    RateLimitedError,
    ResponseDecodeError,
    TransportError,
)
from ..models import User
from ..retry import RetryQuota
from .gate import Gate, Turn

R = TypeVar("R", bound=User)
# A row may wait for a connection for as long as it takes; each attempt has its timeout.
_NO_DEADLINE = 366 * 24 * 3600.0


@attrs.define(eq=False)
class _Tried:
    """What became of the attempts of one call so far."""

    began: float
    attempts: int = 0
    failures: int = 0
    may_have_been_applied: bool = False

    def add(self, error: APIError | TransportError) -> None:
        """Take note of a failed attempt, and let its error tell of the earlier ones too."""
        self.may_have_been_applied |= error.may_have_been_applied
        error.may_have_been_applied = self.may_have_been_applied
        error.attempts = self.attempts


@attrs.frozen
class Tries:
    """What was tried for a row.

    Attributes:
        attempts: the requests that were made, or begun.
        may_have_been_applied: whether one of them may have made a change.
    """

    attempts: int
    may_have_been_applied: bool


class Calls:
    """What a worker calls the API by.

    Args:
        transport: makes single attempts; its policy says how many may fail.
        gate: says whose turn it is.

    Attributes:
        attempts: how many were made for the row.
        may_have_been_applied: whether one of them may have made a change.
    """

    def __init__(self, transport: Transport, gate: Gate) -> None:
        self._policy = transport.policy
        once = attrs.evolve(transport.policy, max_attempts=1, deadline=_NO_DEADLINE)
        # The workers are few and the gate slows them all, so there is no storm to stop: the
        # client's quota would run dry, and rows fail that could have been applied.
        self._transport = attrs.evolve(transport, policy=once, quota=RetryQuota())
        self._gate = gate
        self.next_row()

    def next_row(self) -> None:
        """Begin to count anew."""
        self.attempts: int = 0
        self.may_have_been_applied: bool = False

    @property
    def tries(self) -> Tries:
        """What was tried for the row so far."""
        return Tries(self.attempts, self.may_have_been_applied)

    async def call(self, operation: Operation[R], *ids: str) -> R:
        """Carry out an operation; try again where it failed, as often as the policy says.

        Being told to slow down is no failure: after that, it waits for another turn.
        """
        if not self._gate.free:
            # A wrong id is not to wait for a turn, and to use it up.
            operation.address(*ids)
        self._gate.begin()
        try:
            return await self._carry_out(operation, *ids)
        finally:
            self._gate.end()

    async def _carry_out(self, operation: Operation[R], *ids: str) -> R:
        tried = _Tried(self._transport.clock())
        while True:
            turn = self._gate.go() if self._gate.free else await self._gate.turn()
            self.attempts += 1
            tried.attempts += 1
            # Until it is known better: whoever is cancelled meanwhile does not come to know.
            self.may_have_been_applied = not operation.reads
            try:
                record = await self._transport.call(operation, *ids)
            except (InvalidArgumentError, ConfigurationError):
                # It was not sent.
                self.attempts -= 1
                self.may_have_been_applied = tried.may_have_been_applied
                raise
            except ResponseDecodeError as error:
                error.attempts = tried.attempts
                self._gate.answered(turn, error)
                raise
            except (APIError, TransportError) as error:
                tried.add(error)
                self.may_have_been_applied = tried.may_have_been_applied
                if not self._repeats(operation, turn, tried, error):
                    raise
                wait = self._wait(tried, error)
            else:
                self._gate.answered(turn, record)
                return self._told(record, tried)
            await self._transport.sleep(wait)

    def _repeats(
        self,
        operation: Operation[R],
        turn: Turn,
        tried: _Tried,
        error: APIError | TransportError,
    ) -> bool:
        """Tell the gate of a failure, and return whether the call is to be tried again."""
        if isinstance(error, RateLimitedError):
            self._gate.refused(turn, error)
            return True
        if not retry.may_repeat(error, repeatable=operation.repeatable, reached_server=True):
            self._gate.answered(turn, error)
            return False
        self._gate.failed(turn, error)
        tried.failures += 1
        return tried.failures < self._policy.max_attempts

    def _wait(self, tried: _Tried, error: APIError | TransportError) -> float:
        """Return the seconds to wait before the call waits for its turn again."""
        if isinstance(error, RateLimitedError) or not self._policy.allows_wait(error):
            # All workers wait then, and the gate sees to it.
            return 0.0
        return self._policy.delay(tried.failures, error)

    def _told(self, record: R, tried: _Tried) -> R:
        """Let a record tell of the attempts that failed before."""
        if tried.attempts > 1 and record.response is not None:
            response = attrs.evolve(
                record.response,
                attempts=tried.attempts,
                elapsed=self._transport.clock() - tried.began,
            )
            object.__setattr__(record, "response", response)
        return record
