"""Run `monocloud users export`, from its options to its exit code."""

from __future__ import annotations

import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, aclosing, closing
from pathlib import Path
from typing import NoReturn

import attrs
import typer

from ..._arguments import texts
from ...client import MonoCloudClient
from ...errors import ConfigurationError, MonoCloudError, NotFoundError
from ...exports import ExportReport
from ...exports.engine import Engine, Start
from ...exports.reading import Reading
from ...exports.row import Done
from ..batch.progress import Display, Lines, Reporter, display
from ..batch.stop import Stop
from ..batch.tally import Tally
from ..output import REFUSED, fail, visible
from .destination import Destination
from .journal import ExportJournal, State, Subject
from .options import FormatName
from .sink import Sink


@attrs.frozen(eq=False)
class Options:
    """The command's argument and options."""

    file: str
    format: FormatName | None
    columns: str | None
    details: bool
    groups: bool
    filter: str | None
    journal: Path | None
    concurrency: int
    rate: float | None
    max_failures: int | None


def export_users(client: MonoCloudClient, options: Options) -> NoReturn:
    """Run the command, then exit.

    Args:
        client: the client to call the API with.
        options: the command's options.
    """
    texts(filter=options.filter)
    destination = Destination(options.file, options.format, options.columns, groups=options.groups)
    with ExitStack() as stack:
        journal = _journal(client, options, destination)
        if journal is not None:
            stack.enter_context(closing(journal))
        run = _Run(client, options, destination, journal)
        if not (journal and journal.state.whole):
            asyncio.run(run.export())
        run.finish()


def _journal(
    client: MonoCloudClient, options: Options, destination: Destination
) -> ExportJournal | None:
    if options.journal is None:
        return None
    if destination.path is None:
        raise ConfigurationError("--journal needs a FILE to export to; nothing was sent")
    if os.path.realpath(options.journal) in map(os.path.realpath, destination.names):
        raise ConfigurationError(
            "--journal and FILE are the same file; nothing was sent: use different files"
        )
    origin = str(client._caller.origin)  # pyright: ignore[reportPrivateUsage]
    form = (
        f"{destination.form}, details {options.details}, groups {options.groups}, "
        f"filter {options.filter}"
    )
    subject = Subject(origin, str(destination.path), form)
    return ExportJournal(options.journal, subject, destination.part)


class _Run:
    """One run of the command.

    Args:
        client: the client to call the API with.
        options: the command's options.
        destination: where to write the users.
        journal: records which users are written; None for no journal.
    """

    def __init__(
        self,
        client: MonoCloudClient,
        options: Options,
        destination: Destination,
        journal: ExportJournal | None,
    ) -> None:
        self._client = client
        self._options = options
        self._destination = destination
        self._journal = journal
        self._before = self._state = journal.state if journal else State()
        self._stop = Stop()
        self._tally = Tally(self._before.at_start or 0, {"ok": self._before.exported})
        self._reporter = Reporter(self._tally, _display(destination))
        self._engine: Engine | None = None

    async def export(self) -> None:
        """Export the users that are not written yet."""
        begin = self._journal.start() if self._journal else Start()
        target = self._destination.open(self._state.size, known=self._journal is not None)
        with closing(target), ThreadPoolExecutor(1) as thread, self._stop.on_signals():
            sink = Sink(self._destination.format, target, self._journal, thread, self._state)
            async with self._client:
                self._engine = self._new_engine(begin)
                async with self._reporter.running():
                    await self._until_stopped(self._engine, sink)
            await self._finished(sink, thread)
            self._state = sink.state

    def _new_engine(self, begin: Start) -> Engine:
        options = self._options
        reading = Reading(
            self._client._caller,  # pyright: ignore[reportPrivateUsage]
            details=options.details,
            groups=options.groups,
            filter=options.filter,
            as_sent=True,
        )
        return Engine(reading, concurrency=options.concurrency, rate=options.rate, begin=begin)

    async def _until_stopped(self, engine: Engine, sink: Sink) -> None:
        """Receive results; on a stop, do not wait for reads in flight."""
        receiving = asyncio.create_task(self._receive(engine, sink))
        asked = asyncio.create_task(self._stop.asked.wait())
        await asyncio.wait([receiving, asked], return_when=asyncio.FIRST_COMPLETED)
        receiving.cancel()
        asked.cancel()
        found = (await asyncio.gather(receiving, asked, return_exceptions=True))[0]
        if isinstance(found, MonoCloudError):
            self._stop.ask(str(found))
        elif isinstance(found, OSError) and not isinstance(found, BrokenPipeError):
            self._stop.ask(self._destination.unwritable(found))
        elif isinstance(found, BaseException) and not isinstance(found, asyncio.CancelledError):
            raise found

    async def _receive(self, engine: Engine, sink: Sink) -> None:
        async with aclosing(engine.results()) as results:
            async for batch in results:
                self._tally.rows = max(engine.report.total_at_end or 0, self._tally.done)
                for done in batch:
                    self._count(done)
                await sink.add(batch, engine.report.total_at_start)

    def _count(self, done: Done) -> None:
        failed = done.error is not None and not isinstance(done.error, NotFoundError)
        if done.exported is not None:
            self._tally.move(None, "ok")
        elif failed:
            self._tally.move(None, "failed")
            self._reporter.note(f"user {done.row.user_id}: {done.error}")
            limit = self._options.max_failures
            if limit is not None and self._tally.failures > limit:
                self._stop.ask(f"more than {limit} users could not be read")
        elif done.error is not None:
            self._tally.move(None, "skipped")

    async def _finished(self, sink: Sink, thread: ThreadPoolExecutor) -> None:
        is_complete = self._stop.why is None and not self._tally.failed
        try:
            await asyncio.get_running_loop().run_in_executor(
                thread, lambda: sink.finish(whole=is_complete)
            )
        except BrokenPipeError:
            raise
        except (MonoCloudError, OSError) as error:
            message = self._destination.unwritable(error) if isinstance(error, OSError) else error
            self._stop.ask(str(message))

    def finish(self) -> NoReturn:
        """Give the file its name, print the totals, and exit."""
        stop, destination = self._stop, self._destination
        is_complete = stop.why is None and not self._tally.failed
        if is_complete:
            destination.complete()
        typer.echo(self._totals(), err=destination.path is None)
        if stop.why:
            fail(f"{stop.why}; {self._how_to_resume()}", stop.code)
        if not is_complete:
            fail(f"some users could not be read; {self._how_to_resume()}", REFUSED)
        raise typer.Exit(0)

    def _totals(self) -> str:
        state, before = self._state, self._before.exported
        report = attrs.evolve(
            self._engine.report if self._engine else ExportReport(),
            exported=state.exported,
            vanished=state.vanished,
            total_at_start=state.at_start,
        )
        earlier = f" ({before:,} in earlier runs)" if before else ""
        return f"{state.exported:,} users exported{earlier}{report.remarks()}"

    def _how_to_resume(self) -> str:
        if self._destination.path is None:
            return "the output is incomplete"
        part = visible(str(self._destination.part))
        if self._journal is not None:
            return f"{part} is incomplete: run the same command to resume"
        if self._stop.why is None:
            return f"{part} has all the others"
        self._destination.discard()
        return "nothing was kept: use --journal FILE to make exports resumable"


def _display(destination: Destination) -> Display:
    # A progress bar would overwrite the exported lines.
    return Lines() if destination.path is None and sys.stdout.isatty() else display()
