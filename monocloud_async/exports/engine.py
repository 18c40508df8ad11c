"""The engine of an export: a run whose rows are the pages of the list and the users on them."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable, Container, Iterable, Sequence
from contextlib import aclosing

import attrs

from .._call import Caller
from ..bulk import Outcome, start
from ..errors import BadRequestError, NotFoundError
from ..outcome import Row as OutcomeRow
from .export import Export, OnFailure
from .exported import ExportReport
from .listing import LARGEST_PAGE, Listing
from .reading import Complete, PageRequest, Read, Reading, Task
from .row import Done, Row
from .seen import Seen

_PAGES_AHEAD = 2
# Without details, pages are the only thing to wait for, so read further ahead.
_MOST_PAGES_AHEAD = 8


@attrs.frozen(eq=False)
class Start:
    """The starting point of an export.

    Attributes:
        position: the first position in the list to export, counting from 0.
        number: the number of users before it.
        seen: the users before it, or at least the last of them.
        done: digests of later users that were already exported.
        first: users to read before all others.
    """

    position: int = 0
    number: int = 0
    seen: Seen = attrs.field(factory=Seen)
    done: Container[int] = ()
    first: Sequence[Row] = ()


class Engine:
    """An export, from the list to users.

    Args:
        reading: reads pages and users.
        concurrency: the maximum number of calls in flight.
        rate: the maximum number of requests per second. None means as many as the server takes.
        begin: the starting point.
        stopped: returns whether to start nothing more.

    Attributes:
        report: the counts so far.
    """

    def __init__(
        self,
        reading: Reading,
        *,
        concurrency: int,
        rate: float | None,
        begin: Start | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self.report: ExportReport = ExportReport()
        self._reading = reading
        self._begin = begin or Start()
        self._run = start(
            reading.read, self._tasks(), concurrency=concurrency, rate=rate, stopped=stopped
        )
        self._listing = Listing(
            self._begin.seen,
            self.report,
            position=self._begin.position,
            number=self._begin.number,
            ahead=_PAGES_AHEAD + concurrency // LARGEST_PAGE
            if reading.one_by_one
            else min(concurrency, _MOST_PAGES_AHEAD),
        )
        self._known: deque[Row] = deque()

    async def results(self) -> AsyncGenerator[Sequence[Done], None]:
        """Yield batches of finished users; can be iterated only once."""
        async with aclosing(self._run.outcomes()) as outcomes:
            async for outcome in outcomes:
                if done := [*self._known_users(), *self._done(outcome)]:
                    yield done
        if self._known:
            yield [*self._known_users()]

    def _done(self, outcome: Outcome[Sequence[Read]]) -> Iterable[Done]:
        if outcome.error is not None:
            vanished = isinstance(outcome.error, NotFoundError)
            self.report.vanished += vanished
            self.report.failed += not vanished
            return [Done(_row_of(outcome.row), error=outcome.error)]
        read = outcome.result or ()
        self.report.exported += len(read)
        return [Done(item.row, item.exported) for item in read]

    def _known_users(self) -> Iterable[Done]:
        while self._known:
            yield Done(self._known.popleft())

    async def _tasks(self) -> AsyncGenerator[tuple[Task], None]:
        for row in self._begin.first:
            yield (row,)
        requests: deque[PageRequest] = deque()
        while not self._listing.ended:
            while window := self._listing.wanted():
                requests.append(PageRequest(window))
                yield (requests[-1],)
            request = requests.popleft()
            await request.arrived.wait()
            rows = self._new_rows(request)
            if rows is None:
                # Pages requested in the meantime complete, but are ignored.
                requests.clear()
                continue
            for task in self._tasks_for(rows, request):
                yield (task,)

    def _new_rows(self, request: PageRequest) -> Sequence[Row] | None:
        """Return the users on a page still to export, or None if other pages are needed first."""
        if request.error is not None:
            refused = isinstance(request.error, (BadRequestError, NotFoundError))
            if refused and self._listing.refused(request.window):
                return None
            raise request.error
        assert request.page is not None  # noqa: S101  (it arrived)
        found = self._listing.received(request.window, request.page)
        if found is None:
            return None
        known = [row for row in found if row.key.digest in self._begin.done]
        self._known += known
        return [row for row in found if row not in known] if known else found

    def _tasks_for(self, rows: Sequence[Row], request: PageRequest) -> Iterable[Task]:
        if self._reading.one_by_one:
            return rows
        assert request.read_at is not None  # noqa: S101  (it arrived)
        return [Complete(rows, request.read_at)] if rows else []


def export(
    caller: Caller,
    *,
    details: bool,
    groups: bool,
    filter: str | None,  # noqa: A002  (the API's name)
    concurrency: int,
    rate: float | None,
    on_failure: OnFailure | None,
) -> Export:
    """Return an export; the arguments are those of ``users.export``."""

    def make() -> Engine:
        reading = Reading(caller, details=details, groups=groups, filter=filter)
        return Engine(reading, concurrency=concurrency, rate=rate)

    return Export(make, on_failure)


def _row_of(given: OutcomeRow) -> Row:
    # Only user tasks fail; a page's error is raised where the page is awaited.
    assert isinstance(given, tuple)  # noqa: S101
    row: Row = given[0]
    return row
