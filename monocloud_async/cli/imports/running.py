"""A run of an import: outcomes come in and are counted, until the end or until it has to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterator, Mapping
from contextlib import aclosing
from typing import Any

import attrs

from ..._messages import one_line
from ...errors import MonoCloudError
from ...imports import ImportOutcome
from ...imports.checks import RowMistakeError
from ...imports.journal import FAILED
from ..batch.columns import Mistake
from ..batch.content import InputChangedError
from ..batch.progress import Reporter
from ..batch.stop import Stop
from ..batch.tally import Tally
from .records import Source

# How long a run that has to stop waits for the answers to what it has sent: in silence, and then
# after it said so.
_SILENT_SECONDS = 0.5
_GRACE_SECONDS = 4.5
_WAITING = "waiting up to 5 s for the rows in work; Ctrl-C ends that at once"


@attrs.define(eq=False)
class Rows:
    """The rows of an input, as an import asks for them.

    Attributes:
        source: the input.
        stop: says when no more are given out.
        lines: the lines of the rows that are on their way, by their numbers.
    """

    source: Source
    stop: Stop
    lines: dict[int, int] = attrs.field(factory=dict[int, int])

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        number = 0
        for record in self.source.records():
            if self.stop.asked.is_set():
                return
            if isinstance(record, Mistake) or record.row is None:
                continue
            self.lines[number] = record.line
            number += 1
            yield record.row


@attrs.define(eq=False)
class Running:
    """A run.

    Attributes:
        rows: the rows.
        stop: stops it.
        tally: counts the rows.
        reporter: shows how it goes on.
        max_failures: how many rows may fail; None for any number.
        differing: how many users existed with other content.
    """

    rows: Rows
    stop: Stop
    tally: Tally
    reporter: Reporter
    max_failures: int | None
    differing: int = 0

    async def run(self, outcomes: AsyncGenerator[ImportOutcome, None]) -> None:
        """Receive all outcomes."""
        with self.stop.on_signals():
            async with self.reporter.running():
                await self._until_stopped(self._receive(outcomes))

    async def _receive(self, outcomes: AsyncGenerator[ImportOutcome, None]) -> None:
        async with aclosing(outcomes):
            async for outcome in outcomes:
                line = self.rows.lines.pop(outcome.index)
                if outcome.earlier:
                    continue
                status = FAILED if outcome.error else outcome.status
                self.tally.move(None, status)
                self.differing += bool(outcome.differences)
                # Mistakes were shown when the input was checked.
                if outcome.error and not isinstance(outcome.error, RowMistakeError):
                    self.reporter.failed(line, one_line(str(outcome.error)))
                self._check_failures()

    def _check_failures(self) -> None:
        if self.max_failures is not None and self.tally.failures > self.max_failures:
            rows = "row" if self.max_failures == 1 else "rows"
            self.stop.ask(f"more than {self.max_failures} {rows} failed")

    async def _until_stopped(self, receiving: Coroutine[Any, Any, None]) -> None:
        """Receive what comes, and a little longer where the run is asked to stop."""
        stop = self.stop
        task = asyncio.create_task(receiving)
        asked = asyncio.create_task(stop.asked.wait())
        at_once = asyncio.create_task(stop.at_once.wait())
        await _first(task, asked)
        await _first(task, at_once, timeout=_SILENT_SECONDS)
        if not (task.done() or at_once.done()):
            self.reporter.note(_WAITING)
            await _first(task, at_once, timeout=_GRACE_SECONDS)
        for each in (task, asked, at_once):
            each.cancel()
        found = (await asyncio.gather(task, asked, at_once, return_exceptions=True))[0]
        self._take(found)

    def _take(self, found: object) -> None:
        if isinstance(found, (MonoCloudError, InputChangedError)):
            # Such as a wrong key, with which every further row would fail.
            self.stop.ask(str(found))
        elif isinstance(found, OSError):
            self.stop.ask(f"the input cannot be read: {found.strerror}")
        elif isinstance(found, BaseException) and not isinstance(found, asyncio.CancelledError):
            raise found


async def _first(*tasks: asyncio.Task[Any], timeout: float | None = None) -> None:
    await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
