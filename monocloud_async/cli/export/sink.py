"""Sink: writes exported users and records the progress."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import Executor

import attrs

from ...errors import NotFoundError
from ...exports.raw import ExportedLine
from ...exports.row import Done
from .formats import Format
from .journal import ExportJournal, State
from .target import Part, Stream

# Sizes of a write and of a checkpoint; a killed run reads again what follows the last checkpoint.
_ROWS = 200
_KEPT_ROWS = 2_000
_KEPT_SECONDS = 1.0


@attrs.define(eq=False)
class Sink:
    """Writes exported users.

    Args:
        format: the format to write.
        target: where to write.
        journal: records the progress; None to record nothing.
        thread: a single-threaded executor for writing.
        state: the progress so far.
    """

    format: Format
    target: Part | Stream
    journal: ExportJournal | None
    thread: Executor
    state: State = State()
    _unwritten: list[Done] = attrs.field(factory=list[Done], init=False)
    _unrecorded: list[Done] = attrs.field(factory=list[Done], init=False)
    _headed: bool = attrs.field(default=False, init=False)
    _failure: OSError | None = attrs.field(default=None, init=False)
    _kept_at: float = attrs.field(factory=time.monotonic, init=False)

    async def add(self, done: Sequence[Done], at_start: int | None) -> None:
        """Add finished users, and write them once there are enough."""
        self._unwritten += done
        if self.state.at_start is None:
            self.state = self.state._replace(at_start=at_start)
        if len(self._unwritten) >= _ROWS or self._is_due():
            await self._on_thread(self._is_due() or len(self._unrecorded) >= _KEPT_ROWS)

    def _is_due(self) -> bool:
        return time.monotonic() - self._kept_at >= _KEPT_SECONDS

    async def _on_thread(self, keep: bool) -> None:
        batch, self._unwritten = self._unwritten, []
        loop = asyncio.get_running_loop()
        writing = loop.run_in_executor(self.thread, self._write, batch, keep)
        # If the caller is cancelled, an error here shows up again at the end.
        writing.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.shield(writing)

    def _write(self, batch: Sequence[Done], keep: bool) -> None:
        lines = [done.exported for done in batch if isinstance(done.exported, ExportedLine)]
        self._write_lines(lines)
        # Drop the written users, which would fill memory.
        self._unrecorded += [Done(done.row, error=done.error) for done in batch]
        vanished = sum(isinstance(done.error, NotFoundError) for done in batch)
        self.state = self.state._replace(
            exported=self.state.exported + len(lines), vanished=self.state.vanished + vanished
        )
        if keep:
            self._keep()

    def _write_lines(self, lines: Sequence[ExportedLine]) -> None:
        try:
            if not self._headed and not self.state.size:
                self.target.write(self.format.head())
            self._headed = True
            self.target.write(self.format.body(lines))
        except OSError as error:
            # It is unknown how much was written, so nothing more may be recorded.
            self._failure = error
            raise

    def _keep(self, *, whole: bool = False) -> None:
        size = self.target.keep()
        self.state = self.state._replace(size=size, whole=int(whole))
        if self.journal is not None:
            self.journal.record(self._unrecorded, self.state)
            self.state = self.journal.state
        self._unrecorded = []
        self._kept_at = time.monotonic()

    def finish(self, *, whole: bool) -> None:
        """Write and record the rest, on the writing thread.

        Args:
            whole: whether the export is complete.
        """
        if self._failure is not None:
            raise self._failure
        batch, self._unwritten = self._unwritten, []
        self._write(batch, keep=False)
        self._keep(whole=whole)
