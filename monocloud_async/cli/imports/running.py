"""Run an import: receive and count outcomes, until done or stopped."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

import attrs

from ..._messages import one_line
from ...imports import ImportOutcome
from ...imports.checks import RowMistakeError
from ...imports.feed import SKIPPED_ROW
from ...imports.journal import FAILED
from ..batch.columns import Mistake
from ..batch.progress import Reporter
from ..batch.stop import Stop
from ..batch.tally import Tally
from ..batch.until_stopped import until_stopped
from .records import Source


@attrs.define(eq=False)
class Rows:
    """The rows of an input, for the import to iterate over.

    Attributes:
        source: the input.
        stop: signals when to stop handing out rows.
        lines: the lines of the rows in flight, by row number.
    """

    source: Source
    stop: Stop
    lines: dict[int, int] = attrs.field(factory=dict[int, int])

    def __iter__(self) -> Iterator[object]:
        for number, record in enumerate(self.source.records()):
            if self.stop.asked.is_set():
                return
            if isinstance(record, Mistake) or record.row is None:
                yield SKIPPED_ROW
            else:
                self.lines[number] = record.line
                yield record.row


@attrs.define(eq=False)
class Running:
    """A run.

    Attributes:
        rows: the rows.
        stop: stops it.
        tally: counts the rows.
        reporter: shows the progress.
        max_failures: how many rows may fail; None for no limit.
        differing: how many users existed with different content.
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
                receiving = self._receive(outcomes)
                try:
                    await until_stopped(receiving, self.stop, self.reporter.note)
                except OSError as error:
                    self.stop.ask(f"cannot read the input: {error.strerror}")

    async def _receive(self, outcomes: AsyncGenerator[ImportOutcome, None]) -> None:
        async with aclosing(outcomes):
            async for outcome in outcomes:
                line = self.rows.lines.pop(outcome.index)
                if outcome.earlier:
                    continue
                status = FAILED if outcome.error else outcome.status
                self.tally.move(None, status)
                self.differing += bool(outcome.differences)
                # The check has already shown mistakes.
                if outcome.error and not isinstance(outcome.error, RowMistakeError):
                    self.reporter.failed(line, one_line(str(outcome.error)))
                self._check_failures()

    def _check_failures(self) -> None:
        if self.max_failures is not None and self.tally.failures > self.max_failures:
            rows = "row" if self.max_failures == 1 else "rows"
            self.stop.ask(f"more than {self.max_failures} {rows} failed")
