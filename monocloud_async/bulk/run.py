"""A run: a fixed number of workers, from rows to outcomes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable

from .._phone_number import number, phone_with
from .._transport import Transport
from ..errors import (
    ConfigurationError,
    ForbiddenError,
    InvalidArgumentError,
    MonoCloudError,
    TransportError,
    UnauthorizedError,
)
from ..models import User
from ..resources.phones import SET_PRIMARY
from ..resources.users import GET
from ..retry import is_number
from .calls import Calls, Tries
from .gate import Gate
from .order import Order
from .outcome import Outcome
from .pacing import Pacing
from .rows import Row, Rows

# How many outcomes may wait to be taken; beyond that, no row is begun.
_UNTAKEN = 32
_FATAL = (UnauthorizedError, ForbiddenError, ConfigurationError)

Action = Callable[[Calls, Row], Awaitable[User]]


def _never() -> bool:
    return False


def start(
    transport: Transport,
    rows: object,
    *,
    concurrency: object,
    rate: object,
    by: object,
    stopped: Callable[[], bool] = _never,
    action: Action | None = None,
) -> Run:
    """Return a run; it begins when its first outcome is asked for.

    It makes phones the primary ones, unless there is another ``action`` for each row.

    Raises:
        InvalidArgumentError: an argument cannot be right.
    """
    if by not in ("identifier", "number"):
        raise _refusal("by", "'identifier' or 'number'", by)
    if type(concurrency) is not int or concurrency < 1:
        raise _refusal("concurrency", "a whole number, 1 or more", concurrency)
    if rate is not None and (not is_number(rate) or rate <= 0):
        raise _refusal("rate", "a number of requests a second, more than 0, or None", rate)
    by_number = by == "number"
    return Run(
        transport,
        Rows(rows, "phone" if by_number else "identifier_id"),
        concurrency=concurrency,
        rate=rate,
        by_number=by_number,
        stopped=stopped,
        action=action or (_set_by_number if by_number else _set),
    )


def _refusal(name: str, wanted: str, given: object) -> InvalidArgumentError:
    return InvalidArgumentError(f"{name} must be {wanted}, not {given!r}; nothing was sent")


def is_fatal(error: MonoCloudError) -> bool:
    """Return whether every further row would fail likewise."""
    return isinstance(error, _FATAL) or (isinstance(error, TransportError) and error.permanent)


class Run:
    """One run.

    Args:
        transport: how to call the API.
        rows: what to do.
        concurrency: how many workers.
        rate: attempts a second, at most; None for as many as the server takes.
        by_number: whether the rows have numbers, to be looked up, instead of ids.
        stopped: whether no row is to be begun any more, even if it was read.
        action: what to do for a row.

    Attributes:
        unsettled: what was tried for the rows whose outcomes were not taken, by their index.
    """

    def __init__(
        self,
        transport: Transport,
        rows: Rows,
        *,
        concurrency: int,
        rate: float | None,
        by_number: bool,
        stopped: Callable[[], bool],
        action: Action,
    ) -> None:
        self._transport = transport
        self._order = Order(rows, stopped)
        # More workers than connections would take turns, and then wait all the same.
        self._workers = min(concurrency, transport.sessions.max_connections)
        self._rate = rate
        self._by_number = by_number
        self._action = action
        self.unsettled: dict[int, Tries] = {}
        self._sent = False
        self._made: deque[Outcome] = deque()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def outcomes(self) -> AsyncGenerator[Outcome, None]:
        """Yield an outcome for each row, as they are made; to be iterated over once."""
        clock = self._transport.clock
        pacing = Pacing(
            self._rate,
            max_retry_after=self._transport.policy.max_retry_after,
            now=clock(),
        )
        unheard = _unheard(self._transport)
        gate = Gate(pacing, clock, self._transport.sleep, unheard=unheard)
        self._tasks = [asyncio.create_task(self._work(gate)) for _ in range(self._workers)]
        for task in self._tasks:
            task.add_done_callback(self._left)
        try:
            while self._made or not all(task.done() for task in self._tasks):
                if self._made:
                    outcome = self._made.popleft()
                    self.unsettled.pop(outcome.index, None)
                    yield outcome
                    self._room.set()
                else:
                    self._news.clear()
                    await self._news.wait()
            self._raise_failure()
        finally:
            await self._stop()

    async def _work(self, gate: Gate) -> None:
        calls = Calls(self._transport, gate)
        while row := await self._order.first():
            following: Row | None = row
            while following:
                self._made.append(await self._outcome(calls, following))
                self._news.set()
                if len(self._made) >= _UNTAKEN:
                    await self._untaken()
                following = self._order.following(following)

    async def _untaken(self) -> None:
        """Wait until outcomes are taken, where many wait for that."""
        while len(self._made) >= _UNTAKEN:
            self._room.clear()
            await self._room.wait()

    async def _outcome(self, calls: Calls, row: Row) -> Outcome:
        user: User | None = None
        error: MonoCloudError | None = None
        calls.next_row()
        try:
            user = await self._action(calls, row)
        except MonoCloudError as failure:
            if is_fatal(failure):
                raise
            # Its frames would be kept for as long as the outcome is.
            error = failure.with_traceback(None)
        finally:
            if calls.attempts:
                self._sent = True
                self.unsettled[row.index] = calls.tries
        return Outcome(
            index=row.index,
            user_id=row.user_id,
            identifier_id=row.found_id if self._by_number else row.target,
            phone=row.target if self._by_number else None,
            user=user,
            error=error,
            attempts=calls.attempts,
        )

    def _left(self, task: asyncio.Task[None]) -> None:
        """End the run where a worker fails; what is made by then is still handed out."""
        if task.cancelled() or task.exception():
            for other in self._tasks:
                other.cancel()
        self._news.set()

    def _raise_failure(self) -> None:
        for task in self._tasks:
            if not task.cancelled() and (error := task.exception()):
                raise self._closed(error) or error
        if any(task.cancelled() for task in self._tasks):
            raise asyncio.CancelledError
        if self._order.failure:
            raise self._order.failure

    def _closed(self, error: BaseException) -> ConfigurationError | None:
        """Return what is true of the run where one call could not be made any more."""
        sessions = self._transport.sessions
        if not (self._sent and sessions.closed and isinstance(error, ConfigurationError)):
            return None
        what = "the session given" if sessions.lent and sessions.lent.closed else "the client"
        return ConfigurationError(
            f"{what} was closed during the run: rows without an outcome may have been applied, "
            "and can be sent again"
        )

    async def _stop(self) -> None:
        self._order.let_go()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _unheard(transport: Transport) -> str:
    """Return what to say where no server ever answered: a mistyped domain is waited for in vain."""
    origin = str(transport.origin).rstrip("/")
    check = "the domain and the proxy" if transport.proxy else "the domain"
    return f"no answer from {origin} so far: check {check}, or stop the run"


def _set(calls: Calls, row: Row) -> Awaitable[User]:
    return calls.call(SET_PRIMARY, row.user_id, row.checked())


async def _set_by_number(calls: Calls, row: Row) -> User:
    wanted = number(row.checked())
    user = await calls.call(GET, row.user_id)
    found = phone_with(wanted, user)
    row.found_id = found.id
    return user if found.primary else await calls.call(SET_PRIMARY, row.user_id, found.id)
