"""A run: rows go out, outcomes come in and are recorded, until the end or until it has to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any, Protocol

import attrs

from ...bulk.row_pace import Tries
from .feed import Feed
from .journal import FAILED, OK, UNKNOWN, Entry, Journal, JournalError
from .progress import Reporter
from .recorder import Recorder
from .rules import SETS_VALUES, Rules
from .source import AnyRow, Source
from .stop import Stop
from .tally import Tally
from .until_stopped import until_stopped

_NOT_FOUND = 404
_REMOVED = "it is not there, and an earlier try may have removed it"

Outcomes = AsyncGenerator[Any, None]


class Sender(Protocol):
    """A run.

    Attributes:
        unsettled: what was tried for the rows whose outcomes were not taken, by their index.
    """

    @property
    def unsettled(self) -> Mapping[int, Tries]: ...

    def outcomes(self) -> Outcomes:
        """Yield an outcome for each row, as they are made; to be iterated over once."""
        ...


Start = Callable[[AsyncIterable[Any], Callable[[], bool]], Sender]
ToEntry = Callable[[Any, int, int], Entry]


@attrs.frozen
class Ending:
    """How a run ended.

    Attributes:
        stop: whether it was stopped, and why.
        unrecorded: what is to be said of rows that the journal does not have, by their number.
    """

    stop: Stop
    unrecorded: Mapping[int, Entry]


@attrs.frozen(eq=False)
class Sending:
    """A run.

    Attributes:
        source: the input.
        journal: where what became of the rows is kept, and is found from earlier runs, if at all.
        tally: counts the rows.
        reporter: shows how it goes on.
        start: begins to send rows, and stops once the run is stopped.
        to_entry: says what to keep of an outcome, a row's number and its user's hash.
        max_failures: how many rows may fail; None for any number.
        rules: what may be sent again.
    """

    source: Source[AnyRow]
    journal: Journal | None
    tally: Tally
    reporter: Reporter
    start: Start
    to_entry: ToEntry
    max_failures: int | None
    rules: Rules = SETS_VALUES

    async def run(self) -> Ending:
        """Send the rows that are not done."""
        stop = Stop()

        def cannot_record(error: JournalError) -> None:
            stop.ask(str(error), at_once=True)

        # One thread, because the journal must not be used by two.
        with ThreadPoolExecutor(1) as thread, stop.on_signals():
            recorder = Recorder(self.journal, thread, cannot_record)
            feed = Feed(self.source, self.journal, recorder, self.tally, thread, stop, self.rules)
            # Here, and not in a task, it may still refuse what it is given.
            run = self.start(feed.pairs(), stop.asked.is_set)
            writing = asyncio.create_task(recorder.write())
            try:
                async with self.reporter.running():
                    receiving = self._receive(run.outcomes(), feed, recorder, stop)
                    await until_stopped(receiving, stop, self.reporter.note)
            finally:
                recorder.end()
                await writing
        cut_off = feed.cut_off(run.unsettled)
        try:
            feed.settle(cut_off)
        except JournalError as error:
            stop.ask(str(error))
        lost = {entry.number: entry for entry in recorder.lost}
        return Ending(stop, {**feed.unbegun(cut_off), **cut_off, **lost})

    async def _receive(
        self, outcomes: Outcomes, feed: Feed, recorder: Recorder, stop: Stop
    ) -> None:
        async with aclosing(outcomes):
            async for outcome in outcomes:
                row, user, before = feed.arrived(outcome.index)
                entry = self._settled(self.to_entry(outcome, row.number, user), before)
                self.tally.move(before, entry.status)
                if entry.status in (FAILED, UNKNOWN):
                    self.reporter.failed(row.line, str(entry.error))
                self._check_failures(stop)
                await recorder.add(entry)

    def _settled(self, entry: Entry, before: str | None) -> Entry:
        """Return an entry as done where an earlier try may have removed what is not there."""
        tried = UNKNOWN in (entry.status, before)
        if not (self.rules.gone and tried and entry.http_status == _NOT_FOUND):
            return entry
        return entry._replace(status=OK, error=_REMOVED)

    def _check_failures(self, stop: Stop) -> None:
        if self.max_failures is not None and self.tally.failures > self.max_failures:
            rows = "row" if self.max_failures == 1 else "rows"
            stop.ask(f"more than {self.max_failures} {rows} failed")
