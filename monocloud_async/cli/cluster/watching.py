"""What the command shows and asks while a cluster works."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from types import FrameType

import typer

from ...dask.driver import Progress, Watcher
from ...dask.staging import StagedPiece
from ..batch.journal import FAILED, UNKNOWN
from ..batch.progress import Display, Reporter
from ..batch.stop import Stop
from ..batch.tally import Tally
from ..batch.until_stopped import SILENT_SECONDS, WAITING

# Seconds that the cluster has to end after a second signal.
_GRACE_SECONDS = 15.0


class Watching:
    """Shows a run on a cluster, and stops it on signals.

    Args:
        confirm: called with the staged pieces before anything is sent; raises to end the run.
        display: where progress is shown.

    Attributes:
        stop: whether to stop.
        tally: the counts so far; None before the run.
        pieces: the names of the input's pieces, in their order.
    """

    def __init__(self, confirm: Callable[[Sequence[StagedPiece]], None], display: Display) -> None:
        self._confirmed = confirm
        self._display = display
        self._reporter: Reporter | None = None
        self.stop: Stop = Stop()
        self.tally: Tally | None = None
        self.pieces: Sequence[str] = ()

    def watcher(self, max_failures: int | None) -> Watcher:
        """Return what the driver calls.

        Args:
            max_failures: how many rows may fail; None for no limit.
        """
        return Watcher(self._confirm, self._running, self._show, self.stop, max_failures)

    def _confirm(self, _: object, pieces: Sequence[StagedPiece]) -> None:
        self.pieces = [piece.name for piece in pieces]
        with _interruptible():
            self._confirmed(pieces)

    @asynccontextmanager
    async def _running(self, rows: int) -> AsyncGenerator[None, None]:
        self.tally = Tally(rows, failing=(FAILED, UNKNOWN))
        self._reporter = Reporter(self.tally, self._display)
        async with self._reporter.running():
            yield

    def _show(self, progress: Progress) -> None:
        if self.tally is None or self._reporter is None:
            return
        self.tally.take(progress.counts, progress.before)
        for note in progress.notes:
            self._reporter.note(note)

    async def until_ended(self, driving: asyncio.Task[object]) -> None:
        """Wait until the driver has ended. If asked to stop at once, wait for a limited time.

        Args:
            driving: the task of the driver.
        """
        asked = asyncio.create_task(self.stop.asked.wait())
        at_once = asyncio.create_task(self.stop.at_once.wait())
        try:
            await _first(driving, asked)
            if self.tally is not None:
                await _first(driving, at_once, timeout=SILENT_SECONDS)
                if not driving.done() and not at_once.done() and self._reporter:
                    self._reporter.note(WAITING)
                await _first(driving, at_once)
                await _first(driving, timeout=_GRACE_SECONDS)
        finally:
            # Before the run, and if the cluster does not answer.
            for task in (driving, asked, at_once):
                task.cancel()
            await asyncio.gather(driving, asked, at_once, return_exceptions=True)


@contextmanager
def _interruptible() -> Generator[None, None, None]:
    """Let signals interrupt a prompt, so that the staged rows are removed."""

    def end(number: int, _: FrameType | None) -> None:
        raise typer.Exit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


async def _first(*tasks: asyncio.Task[object], timeout: float | None = None) -> None:
    await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
