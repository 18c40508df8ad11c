"""A bulk run: a fixed number of workers that turn rows into outcomes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Generic, TypeVar

from .._call import Caller, RunRecord
from .._call.observer import quietly
from .._http import running_loop
from ..errors import (
    ConfigurationError,
    ForbiddenError,
    InvalidArgumentError,
    MonoCloudError,
    TransportError,
    UnauthorizedError,
)
from ..outcome import Outcome
from ..retry import is_number
from .gate import Gate
from .method import AsyncMethod, Method, method_of
from .order import Order
from .pacing import Pacing
from .row_pace import AttemptGate, RowPace, Tries, at_pace
from .rows import Rows, RunRow

T = TypeVar("T")
# The maximum number of outcomes waiting for the consumer; beyond that, no row starts.
_MOST_READY = 32
_FATAL = (UnauthorizedError, ForbiddenError, ConfigurationError)


def _never() -> bool:
    return False


def start(
    method: AsyncMethod[T],
    rows: object,
    *,
    concurrency: object,
    rate: object,
    stopped: Callable[[], bool] = _never,
    gate: AttemptGate | None = None,
) -> Run[T]:
    """Return a run, which starts when its first outcome is requested.

    Args:
        method: the bound resource method to call for each row.
        rows: the arguments of each call.
        concurrency: the maximum number of calls in flight.
        rate: the maximum number of attempts per second. None means as many as the server takes.
        stopped: returns whether to start no further rows, even if they were read.
        gate: the gate that attempts pass, if the run shares one with others. It keeps the rate.

    Raises:
        InvalidArgumentError: an argument is invalid.
    """
    workers, limit = check_limits(concurrency, rate)
    found: Method[T] = method_of(method)
    given = Rows(rows, found)
    return Run(found, given, concurrency=workers, rate=limit, stopped=stopped, gate=gate)


def check_limits(concurrency: object, rate: object) -> tuple[int, float | None]:
    """Return the validated limits of a run.

    Raises:
        InvalidArgumentError: a limit is invalid.
    """
    if type(concurrency) is not int or concurrency < 1:
        raise _refusal("concurrency", "a whole number, 1 or more", concurrency)
    if rate is not None and (not is_number(rate) or rate <= 0):
        raise _refusal("rate", "a number of requests per second, more than 0, or None", rate)
    return concurrency, rate


def _refusal(name: str, wanted: str, given: object) -> InvalidArgumentError:
    return InvalidArgumentError(f"{name} must be {wanted}, not {given!r}; nothing was sent")


def is_fatal(error: MonoCloudError) -> bool:
    """Return whether all remaining rows would fail the same way."""
    return isinstance(error, _FATAL) or (isinstance(error, TransportError) and error.permanent)


class Run(Generic[T]):
    """A bulk run.

    Args:
        method: the method to call for each row.
        rows: the arguments of each call.
        concurrency: the number of workers.
        rate: the maximum number of attempts per second. None means as many as the server takes.
        stopped: returns whether to start no further rows, even if they were read.
        gate: the gate that attempts pass; None for one of the run's own.

    Attributes:
        unsettled: the attempts for rows whose outcome has not been consumed, by row index.
    """

    def __init__(
        self,
        method: Method[T],
        rows: Rows,
        *,
        concurrency: int,
        rate: float | None,
        stopped: Callable[[], bool],
        gate: AttemptGate | None = None,
    ) -> None:
        self._method = method
        self._gate = gate
        self._caller = method.caller
        self._order = Order(rows, stopped)
        # Surplus workers would pass the gate only to wait for a connection.
        self._workers = min(concurrency, self._caller.sessions.max_connections)
        self._rate = rate
        self.unsettled: dict[int, Tries] = {}
        self._sent = False
        self._ready: deque[Outcome[T]] = deque()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._record: RunRecord | None = None

    @property
    def caller(self) -> Caller:
        """The caller that executes single calls of the method."""
        return self._caller

    async def outcomes(self) -> AsyncGenerator[Outcome[T], None]:
        """Yield the outcome of each row in order of completion; can be iterated only once."""
        running_loop()
        caller = self._caller
        gate = self._gate or self._own_gate()
        if caller.observer is not None:
            self._record = caller.observer.run_began(caller.server, gate.pace)
        self._tasks = [asyncio.create_task(self._work(gate)) for _ in range(self._workers)]
        for task in self._tasks:
            task.add_done_callback(self._worker_ended)
        try:
            while self._ready or not all(task.done() for task in self._tasks):
                if self._ready:
                    outcome = self._ready.popleft()
                    self.unsettled.pop(outcome.index, None)
                    yield outcome
                    self._room.set()
                else:
                    self._news.clear()
                    await self._news.wait()
            self._raise_failure()
        finally:
            await self._stop()

    def _own_gate(self) -> Gate:
        caller = self._caller
        pacing = Pacing(
            self._rate, max_retry_after=caller.policy.max_retry_after, now=caller.clock()
        )
        return Gate(pacing, caller.clock, caller.wait, advice=_advice(caller))

    async def _work(self, gate: AttemptGate) -> None:
        pace = RowPace(gate, self._caller.policy.max_retry_after)
        call = self._method.through(at_pace(self._caller, pace))
        while row := await self._order.first():
            following: RunRow | None = row
            while following:
                self._ready.append(await self._outcome(call, pace, following))
                self._news.set()
                if len(self._ready) >= _MOST_READY:
                    await self._wait_for_consumer()
                following = self._order.following(following)

    async def _wait_for_consumer(self) -> None:
        """Wait while too many outcomes are waiting for the consumer."""
        while len(self._ready) >= _MOST_READY:
            self._room.clear()
            await self._room.wait()

    async def _outcome(self, call: AsyncMethod[T], pace: RowPace, row: RunRow) -> Outcome[T]:
        result: T | None = None
        error: MonoCloudError | None = row.error
        pace.next_row()
        try:
            if error is None:
                with pace.at_work():
                    result = await call(*row.args, **row.kwargs)
        except MonoCloudError as failure:
            if is_fatal(failure):
                raise
            # Otherwise the outcome would keep the traceback's frames alive.
            error = failure.with_traceback(None)
        finally:
            if pace.tries.attempts:
                self._sent = True
                self.unsettled[row.index] = pace.tries
        if (record := self._record) is not None:
            quietly(lambda: record.row_done(failed=error is not None))
        return Outcome(
            index=row.index,
            row=row.given,
            result=result,
            error=error,
            attempts=pace.tries.attempts,
        )

    def _worker_ended(self, task: asyncio.Task[None]) -> None:
        """End the run if a worker fails; outcomes that exist are still delivered."""
        if task.cancelled() or task.exception():
            for worker in self._tasks:
                worker.cancel()
        self._news.set()

    def _raise_failure(self) -> None:
        for task in self._tasks:
            if not task.cancelled() and (error := task.exception()):
                raise self._closed_error(error) or error
        if any(task.cancelled() for task in self._tasks):
            raise asyncio.CancelledError
        if self._order.failure:
            raise self._order.failure

    def _closed_error(self, error: BaseException) -> ConfigurationError | None:
        """Return the error to raise if the client was closed in the middle of the run."""
        sessions = self._caller.sessions
        if not (self._sent and sessions.closed and isinstance(error, ConfigurationError)):
            return None
        closed = (
            "the session passed to the client"
            if sessions.lent and sessions.lent.closed
            else "the client"
        )
        return ConfigurationError(
            f"{closed} was closed during the run: rows without an outcome may have been applied, "
            "and can be sent again"
        )

    async def _stop(self) -> None:
        self._order.let_go()
        if (record := self._record) is not None:
            quietly(lambda: record.ended())
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _advice(caller: Caller) -> str:
    """Return the advice for a run without any response so far: the domain may be mistyped."""
    origin = str(caller.origin).rstrip("/")
    check = "the domain and the proxy" if caller.proxy else "the domain"
    return f"no response from {origin} so far: check {check}, or stop the run"
