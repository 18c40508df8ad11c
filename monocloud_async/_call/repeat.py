"""When to retry a failed call, and when to give up: strategies for tenacity."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

import attrs
from tenacity import AsyncRetrying, DoAttempt, DoSleep, RetryCallState, retry_if_exception

from .. import _log_line, retry
from .._operation import Repeat
from ..errors import APIError, TransportError
from ..retry import RetryPolicy, RetryQuota
from .call import Call
from .pace import Pace

R = TypeVar("R")
Sleep = Callable[[float], Awaitable[None]]
_log = logging.getLogger("monocloud.retry")


@attrs.frozen(eq=False)
class Repeating:
    """Decides about the retries of one call.

    Attributes:
        call: the call.
        policy: the retry policy.
        quota: the retry budget that all calls of the client share.
        pace: the pace of the run that the call belongs to, if any.
        clock: returns the time in seconds, from any starting point.
        closed: returns whether the client is closed, so that nothing more can be sent.
    """

    call: Call
    policy: RetryPolicy
    quota: RetryQuota
    pace: Pace | None
    clock: Callable[[], float]
    closed: Callable[[], bool]

    def retrying(self) -> AsyncRetrying:
        """Return tenacity's loop with these strategies."""
        return AsyncRetrying(
            retry=retry_if_exception(self.may_repeat),
            wait=self.wait,
            stop=self.stop,
            before_sleep=self.before_sleep,
            reraise=True,
        )

    def may_repeat(self, error: BaseException) -> bool:
        """Return whether the call may be sent again after this failure."""
        return retry.may_repeat(
            error,
            repeatable=self.call.operation.repeat is not Repeat.ONCE,
            reached_server=self.call.reached_server,
        )

    def wait(self, state: RetryCallState) -> float:
        """Return the seconds until the next attempt."""
        error = _failure(state)
        if self.pace is not None and self.pace.waits_for(error):
            return 0.0
        if self.call.attempts == 1 and self.call.reused_connection:
            # The server had closed a kept-alive connection, so retrying on a new one adds no load.
            return 0.0
        return self.policy.delay(self._tries, error)

    def stop(self, state: RetryCallState) -> bool:
        """Return whether to give up."""
        if self.closed():
            return True
        if self._tries >= self.policy.max_attempts:
            return True
        if self.pace is not None:
            # A run waits as long as necessary, and its pace prevents a storm of retries.
            return False
        error = _failure(state)
        return (
            not self.policy.allows_wait(error)
            or self.clock() + state.upcoming_sleep >= self.call.deadline
            or not self.quota.allows(error)
        )

    @property
    def _tries(self) -> int:
        """The number of attempts that count. In a run, hitting the rate limit is not a failure."""
        return self.call.attempts if self.pace is None else self.call.failures

    def before_sleep(self, state: RetryCallState) -> None:
        """Charge the retry budget for the next attempt, and log it."""
        error = _failure(state)
        if self.pace is None:
            self.quota.take(error)
        if _log.isEnabledFor(logging.INFO):
            _log_retry(self.call, error, state.upcoming_sleep)


async def resume(
    retrying: AsyncRetrying,
    attempt: Callable[[], Awaitable[R]],
    failure: BaseException,
    sleep: Sleep,
) -> R:
    """Continue with tenacity after a failed first attempt.

    Tenacity's loop costs as much as a tenth of a call, so the first attempt, which nearly always
    succeeds, is made without it.

    Args:
        retrying: tenacity's loop.
        attempt: makes one more attempt.
        failure: the error of the first attempt, which tenacity counts.
        sleep: waits for a number of seconds.
    """
    retrying.begin()
    state = RetryCallState(retrying, None, (), {})
    state.set_exception((type(failure), failure, failure.__traceback__))
    while True:
        step = await retrying.iter(state)
        if isinstance(step, DoAttempt):
            try:
                state.set_result(await attempt())
            except (APIError, TransportError) as error:
                state.set_exception((type(error), error, error.__traceback__))
        elif isinstance(step, DoSleep):
            state.prepare_for_next_attempt()
            await sleep(step)
        else:
            result: R = step
            return result


def _log_retry(call: Call, error: APIError | TransportError, seconds: float) -> None:
    # Not the error's whole text, because a server's response may contain personal data.
    why = f"status {error.status}" if isinstance(error, APIError) else error.args[0]
    _log_line.write(
        _log,
        logging.INFO,
        "%s attempt %d failed, retrying in %.2f s: %s",
        call.operation.name,
        call.attempts,
        seconds,
        why,
    )


def _failure(state: RetryCallState) -> APIError | TransportError:
    # Every failed attempt in the loop has one of these errors.
    return cast("APIError | TransportError", state.outcome and state.outcome.exception())
