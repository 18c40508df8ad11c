"""Show the progress of a run: a bar on a terminal, otherwise a line now and then."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column
from rich.text import Text

from ..output import visible
from .tally import Tally

MOST_FAILURES = 20
_BAR_SECONDS = 0.2
_LINE_SECONDS = 5.0
# The window for the rate.
_SPAN_SECONDS = 15.0
_log = logging.getLogger("monocloud")


class Display(Protocol):
    """Where progress is shown."""

    seconds: float

    def open(self) -> None:
        """Begin."""
        ...

    def show(self, tally: Tally, line: str) -> None:
        """Update the progress."""
        ...

    def note(self, text: str) -> None:
        """Print a permanent line."""
        ...

    def close(self) -> None:
        """Stop showing progress."""
        ...


class Bar:
    """A progress bar on a terminal."""

    seconds = _BAR_SECONDS

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            # The bar takes the width that the text leaves.
            BarColumn(bar_width=None),
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
            console=console,
            expand=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            transient=True,
        )
        self._task = self._progress.add_task("")

    def open(self) -> None:
        self._progress.start()

    def show(self, tally: Tally, line: str) -> None:
        self._progress.update(
            self._task, completed=tally.done, total=tally.rows, description=line, refresh=True
        )

    def note(self, text: str) -> None:
        self._progress.console.print(Text(text), soft_wrap=True)

    def close(self) -> None:
        self._progress.stop()


class Lines:
    """Plain lines, for when stderr is not a terminal."""

    seconds = _LINE_SECONDS

    def open(self) -> None:
        pass

    def show(self, tally: Tally, line: str) -> None:  # noqa: ARG002
        self.note(line)

    def note(self, text: str) -> None:
        typer.echo(text, err=True)

    def close(self) -> None:
        pass


def display() -> Display:
    """Return the display that suits standard error."""
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    # Rich would take FORCE_COLOR as a sign of a terminal.
    return Bar(console) if sys.stderr.isatty() and not console.is_dumb_terminal else Lines()


class _Warnings(logging.Handler):
    """Shows log warnings from the run.

    Args:
        note: prints a line.
    """

    def __init__(self, note: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._note = note

    def emit(self, record: logging.LogRecord) -> None:
        self._note(record.getMessage())


class Reporter:
    """Shows the progress of a run; a broken display does not end the run.

    Args:
        tally: the counts so far.
        shown: where to show them.
        clock: returns the time in seconds.
    """

    def __init__(
        self, tally: Tally, shown: Display, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tally = tally
        self._shown = shown
        self._clock = clock
        self._past: deque[tuple[float, int]] = deque()
        self._failures = 0

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None, None]:
        """Update the display periodically."""
        with suppress(OSError):
            self._shown.open()
        ticking = asyncio.create_task(self._tick())
        warnings = _Warnings(self.note)
        _log.addHandler(warnings)
        try:
            yield
        finally:
            _log.removeHandler(warnings)
            ticking.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await ticking
            with suppress(OSError):
                self._shown.close()

    def failed(self, line: int, error: str) -> None:
        """Show why a row failed, unless many have."""
        self._failures += 1
        if self._failures <= MOST_FAILURES:
            self.note(f"line {line}: {error}")
        if self._failures == MOST_FAILURES:
            self.note("Not showing further failures; use --results FILE to get them all.")

    def note(self, text: str) -> None:
        """Print a permanent line."""
        with suppress(OSError):
            self._shown.note(visible(text))

    async def _tick(self) -> None:
        self._past.append((self._clock(), self._tally.done - self._tally.before))
        while True:
            await asyncio.sleep(self._shown.seconds)
            self._shown.show(self._tally, self.status_line())

    def status_line(self) -> str:
        """Return the progress, the rate and the time left."""
        now, done, rows = self._clock(), self._tally.done, self._tally.rows
        # On a cluster, rows of earlier runs are found as the run goes on.
        sent = done - self._tally.before
        self._past.append((now, sent))
        while len(self._past) > 2 and now - self._past[0][0] > _SPAN_SECONDS:
            self._past.popleft()
        then, before = self._past[0]
        rate = max(sent - before, 0) / (now - then) if now > then else 0.0
        share = f" ({done / rows:.0%})" if rows else ""
        left = _left(rows - done, rate)
        return (
            f"{done:,} of {rows:,} rows{share}, {rate:,.0f}/s, {self._tally.failed:,} failed{left}"
        )


def _left(rows: int, rate: float) -> str:
    if rate <= 0:
        return ""
    return f", {timedelta(seconds=round(rows / rate))} left"
