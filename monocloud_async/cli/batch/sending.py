"""A run: send rows and record their outcomes, until done or stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, nullcontext
from typing import Any, Protocol

import attrs

from ...bulk.row_pace import Tries
from .feed import Feed
from .journal import FAILED, OK, UNKNOWN, Entry, Journal, JournalError
from .recorder import OF_A_FILE, Limits, Recorder
from .rules import SETS_VALUES, Rules
from .source import AnyRow, HasRows
from .stop import Stop
from .tally import Tally
from .until_stopped import until_stopped

_NOT_FOUND = 404
_REMOVED = "not found; an earlier attempt may have removed it"

Outcomes = AsyncGenerator[Any, None]


class Sender(Protocol):
    """A run.

    Attributes:
        unsettled: the attempts of rows whose outcome was not received, by index.
    """

    @property
    def unsettled(self) -> Mapping[int, Tries]: ...

    def outcomes(self) -> Outcomes:
        """Yield each row's outcome as it completes; iterate only once."""
        ...


class Reporter(Protocol):
    """Shows the progress of a run."""

    def running(self) -> AbstractAsyncContextManager[None]:
        """Return a context in which progress is shown."""
        ...

    def failed(self, line: int, error: str) -> None:
        """Show why a row failed."""
        ...

    def note(self, text: str) -> None:
        """Print a permanent line."""
        ...


Start = Callable[[AsyncIterable[Any], Callable[[], bool]], Sender]
ToEntry = Callable[[Any, int, int], Entry]


@attrs.frozen
class Ending:
    """How a run ended.

    Attributes:
        stop: whether it was stopped, and why.
        unrecorded: entries that the journal does not have, by row number.
    """

    stop: Stop
    unrecorded: Mapping[int, Entry]


@attrs.frozen(eq=False)
class Sending:
    """A run.

    Attributes:
        source: the input.
        journal: records the outcomes, and holds those of earlier runs; None for no journal.
        tally: counts the rows.
        reporter: shows the progress.
        start: starts sending rows, until the run is stopped.
        to_entry: makes an entry of an outcome, a row's number and its user's hash.
        max_failures: how many rows may fail; None for no limit.
        rules: which rows may be resent.
        stop: stops the run. None makes signals stop it.
        limits: when outcomes are recorded.
        failed: called with a row that failed and its error. None shows the row's line.
    """

    source: HasRows
    journal: Journal | None
    tally: Tally
    reporter: Reporter
    start: Start
    to_entry: ToEntry
    max_failures: int | None
    rules: Rules = SETS_VALUES
    stop: Stop | None = None
    limits: Limits = OF_A_FILE
    failed: Callable[[AnyRow, str], None] | None = None

    async def run(self) -> Ending:
        """Send the rows that are not done yet."""
        stop = self.stop or Stop()

        def cannot_record(error: JournalError) -> None:
            stop.ask_for(error, at_once=True)

        signals = nullcontext() if self.stop else stop.on_signals()
        async with _one_thread() as thread:
            recorder = Recorder(self.journal, thread, cannot_record, self.limits)
            feed = Feed(self.source, self.journal, recorder, self.tally, thread, stop, self.rules)
            with signals:
                cut_off = await self._sent(feed, recorder, stop)
            loop = asyncio.get_running_loop()
            try:
                await loop.run_in_executor(thread, feed.settle, cut_off)
            except JournalError as error:
                stop.ask_for(error)
        lost = {entry.number: entry for entry in recorder.lost}
        return Ending(stop, {**feed.unbegun(cut_off), **cut_off, **lost})

    async def _sent(self, feed: Feed, recorder: Recorder, stop: Stop) -> dict[int, Entry]:
        """Send the rows, and return the entries of those that were in flight at the end."""
        # Called here, not in a task, so that invalid settings raise immediately.
        run = self.start(feed.pairs(), stop.asked.is_set)
        writing = asyncio.create_task(recorder.write())
        try:
            async with self.reporter.running():
                receiving = self._receive(run.outcomes(), feed, recorder, stop)
                await until_stopped(receiving, stop, self.reporter.note)
        finally:
            recorder.end()
            await writing
        return feed.cut_off(run.unsettled)

    async def _receive(
        self, outcomes: Outcomes, feed: Feed, recorder: Recorder, stop: Stop
    ) -> None:
        async with aclosing(outcomes):
            async for outcome in outcomes:
                row, user, before = feed.arrived(outcome.index)
                entry = self._settled(self.to_entry(outcome, row.number, user), before)
                self.tally.move(before, entry.status)
                if entry.status in (FAILED, UNKNOWN):
                    self._tell(row, str(entry.error))
                self._check_failures(stop)
                await recorder.add(entry)

    def _tell(self, row: AnyRow, error: str) -> None:
        if self.failed is None:
            self.reporter.failed(row.line, error)
        else:
            self.failed(row, error)

    def _settled(self, entry: Entry, before: str | None) -> Entry:
        """Return an entry as done if an earlier attempt may have removed the target."""
        tried = UNKNOWN in (entry.status, before)
        if not (self.rules.gone and tried and entry.http_status == _NOT_FOUND):
            return entry
        return entry._replace(status=OK, error=_REMOVED)

    def _check_failures(self, stop: Stop) -> None:
        if self.max_failures is not None and self.tally.failures > self.max_failures:
            rows = "row" if self.max_failures == 1 else "rows"
            stop.ask(f"more than {self.max_failures} {rows} failed")


@asynccontextmanager
async def _one_thread() -> AsyncGenerator[ThreadPoolExecutor, None]:
    """Provide a single thread, since the journal must not be shared."""
    thread = ThreadPoolExecutor(1)
    try:
        yield thread
    finally:
        # A read that still goes on must not hold up the event loop.
        await asyncio.to_thread(thread.shutdown)
