"""`monocloud run` on a Dask cluster, from its options to its exit code."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import attrs
import typer

from ...dask.checking import InputMistakesError
from ...dask.cluster import connected, dashboard, has_workers
from ...dask.driver import Driver
from ...dask.inputs import Input, input_of
from ...dask.job import Job
from ...dask.results import ClusterResult, StoppedError
from ...dask.staging import StagedPiece
from ...errors import ConfigurationError, MonoCloudError
from ..batch.call_job import CallOptions, check_options
from ..batch.confirming import SHOWN, confirm_destruction, end_dry_run, is_json, print_unused
from ..batch.content import STDIN
from ..batch.job import Options
from ..batch.progress import display
from ..batch.results import Results
from ..descriptors import make_room
from ..output import MISUSED, fail, visible
from ..runnable import Runnable
from ..settings import allows_insecure_http
from .endings import Ending, end
from .options import ClusterOptions
from .tenants import tenants_of
from .watching import Watching

_NO_WORKERS = "the cluster has no workers: the run waits until one joins"


def carry_out(
    runnable: Runnable, options: Options, call_options: CallOptions, cluster: ClusterOptions
) -> NoReturn:
    """Run an operation on a cluster, then exit.

    Args:
        runnable: the operation.
        options: the options of every batch.
        call_options: the options of ``monocloud run``.
        cluster: the options of a cluster.
    """
    # It logs what the command reports itself, such as the loss of the scheduler.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    check_options(runnable, options, call_options)
    make_room(options.concurrency)
    job = _job(runnable, options, call_options, cluster)
    results = (
        Results(options.results, private=call_options.show_secrets) if options.results else None
    )

    def confirm(pieces: Sequence[StagedPiece]) -> None:
        _print_unused(job, pieces)
        if not call_options.yes:
            confirm_destruction(runnable, _rows(pieces), origin_of(job))

    watching = Watching(confirm, display())
    ending = ClusterRun(job, options, cluster, watching).carry_out()
    end(ending, job, watching, results)


def _print_unused(job: Job, pieces: Sequence[StagedPiece]) -> None:
    print_unused(
        job.operation, dict.fromkeys(name for piece in pieces for name in piece.passed_over)
    )


def _rows(pieces: Sequence[StagedPiece]) -> int:
    return sum(piece.rows for piece in pieces)


def _job(
    runnable: Runnable, options: Options, call_options: CallOptions, cluster: ClusterOptions
) -> Job:
    return Job(
        operation=runnable.name,
        tenants=tenants_of(cluster),
        by_domain=cluster.tenants is not None,
        journal=journal_of(cluster, is_needed=not options.dry_run),
        fixed=tuple(call_options.fixed),
        null=call_options.null,
        ignored=tuple(call_options.ignored),
        concurrency=options.concurrency,
        rate=options.rate,
        timeout=cluster.timeout,
        max_attempts=cluster.max_attempts,
        retry_unknown=call_options.retry_unknown,
        answers=is_json(options.results),
        show_secrets=call_options.show_secrets,
        allow_insecure_http=allows_insecure_http(),
    )


def journal_of(cluster: ClusterOptions, *, is_needed: bool = True) -> str:
    """Return the URL or the path of the journal's directory.

    Raises:
        ConfigurationError: it is missing, or is a file.
    """
    if cluster.journal is None:
        if not is_needed:
            return ""
        raise ConfigurationError(
            "a run on a cluster needs a journal; nothing was sent: pass --journal with a directory "
            "that all workers can read and write, such as --journal s3://bucket/job-17"
        )
    if "://" in cluster.journal:
        return cluster.journal
    if Path(cluster.journal).is_file():
        raise ConfigurationError(
            f"--journal {cluster.journal} is a file, but a run on a cluster needs a directory; "
            "nothing was sent"
        )
    return str(Path(cluster.journal).absolute())


def origin_of(job: Job) -> str:
    """Return where the rows go, for messages."""
    only, *others = job.domains
    return f"{len(job.domains)} tenants" if others else only


@attrs.frozen(eq=False)
class ClusterRun:
    """A run on a cluster.

    Attributes:
        job: what to do.
        options: the options of every batch.
        cluster: the options of a cluster.
        watching: observes the run.
    """

    job: Job
    options: Options
    cluster: ClusterOptions
    watching: Watching

    def carry_out(self) -> Ending:
        """Carry out the run, and exit if the input has mistakes."""
        try:
            return asyncio.run(self._carried_out())
        except InputMistakesError as error:
            for mistake in error.mistakes:
                typer.echo(visible(mistake), err=True)
            fail(error.summary, MISUSED)

    async def _carried_out(self) -> Ending:
        """Drive the run, until it ends or is stopped."""
        stop = self.watching.stop
        with stop.on_signals():
            driving = asyncio.create_task(self._driven())
            await self.watching.until_ended(driving)
        if driving.cancelled():
            return Ending(None, None)
        error = driving.exception()
        if isinstance(error, StoppedError):
            return Ending(error.result, error)
        if isinstance(error, MonoCloudError) and self.watching.tally is not None:
            return Ending(None, error)
        return Ending(driving.result(), None)

    async def _driven(self) -> ClusterResult:
        found = await asyncio.to_thread(_input, self.cluster)
        async with connected(self.cluster.scheduler, self.cluster.workers) as client:
            if link := dashboard(client, local=self.cluster.scheduler is None):
                typer.echo(f"Dashboard: {visible(link)}", err=True)
            if not await has_workers(client):
                typer.echo(_NO_WORKERS, err=True)
            watcher = self.watching.watcher(self.options.max_failures)
            driver = Driver(client, self.job, found, watcher)
            if self.options.dry_run:
                self._show(await driver.check())
            return await driver.run()

    def _show(self, pieces: Sequence[StagedPiece]) -> NoReturn:
        """Print the first requests of a dry run, then exit."""
        _print_unused(self.job, pieces)
        for request in _first(pieces):
            typer.echo(visible(request))
        end_dry_run(_rows(pieces), origin_of(self.job))


def _first(pieces: Sequence[StagedPiece]) -> Iterator[str]:
    yield from [request for piece in pieces for request in piece.requests][:SHOWN]


def _input(cluster: ClusterOptions) -> Input:
    if STDIN in cluster.rows:
        raise ConfigurationError(
            "a cluster cannot read standard input; nothing was sent: pass files that all workers "
            "can read"
        )
    return input_of(list(cluster.rows), {})
