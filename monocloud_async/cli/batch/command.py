"""Run a batch, from its options to its exit code."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import NoReturn

import typer

from ..output import INTERRUPTED, MISUSED, REFUSED, fail, visible
from .content import STDIN, Content, open_content, unreadable
from .endings import check_files, close_to_others, make_private, print_totals, written
from .feed import note_lost
from .job import Job
from .journal import UNKNOWN, Journal
from .progress import Reporter, display
from .results import Results
from .sending import Ending, Sending
from .source import AnyRow, MistakesError, Source
from .tally import Tally

UNKNOWN_ADVICE = (
    "may have been applied and will not be resent: check them, then resend with --retry-unknown"
)
UNKNOWN_GONE = "may have been applied: run the same command with the same journal to find out"


def carry_out(job: Job) -> NoReturn:
    """Run a batch, then exit.

    Args:
        job: what to do with the rows.
    """
    options = job.options
    check_files(options.rows, options.journal, options.results)
    results = Results(options.results, private=job.private) if options.results else None
    with ExitStack() as stack:
        source = _source(stack, job)
        journal = _journal(job, source)
        if journal is not None:
            stack.enter_context(closing(journal))
        job.confirm(source)
        tally = Tally(source.count, journal.counts() if journal else {}, job.failures)
        ending = asyncio.run(_send(job, source, journal, tally))
        tally = job.end(journal, tally)
        problem = _write(job, results, source, journal, ending)
    problem = print_totals(_totals(job, source, tally)) or problem
    _finish(job, tally, ending, problem)


def _source(stack: ExitStack, job: Job) -> Source[AnyRow]:
    try:
        return _checked(stack.enter_context(open_content(job.options.rows)), job.source)
    except KeyboardInterrupt:
        fail("interrupted; nothing was sent", INTERRUPTED)


def _checked(content: Content, to_source: Callable[[Content], Source[AnyRow]]) -> Source[AnyRow]:
    try:
        return to_source(content)
    except MistakesError as error:
        for mistake in error.mistakes:
            where = f"{content.name}, line {mistake.line}"
            typer.echo(visible(f"{where}: {mistake.message}"), err=True)
        fail(str(error), MISUSED)
    except OSError as error:
        raise unreadable(content.name, error) from None


def _journal(job: Job, source: Source[AnyRow]) -> Journal | None:
    """Open the journal; without a file, it is a temporary one."""
    options = job.options
    path = None if options.dry_run else options.journal
    if not (path or options.results or options.dry_run):
        return None
    if path and job.private:
        make_private(path)
    journal = Journal(path, job.subject(source))
    if path and job.private:
        close_to_others(path)
    if job.rules.once:
        note_lost(journal, source, job.rules)
    return journal


async def _send(job: Job, source: Source[AnyRow], journal: Journal | None, tally: Tally) -> Ending:
    async with job.client:
        sending = Sending(
            source,
            journal,
            tally,
            Reporter(tally, display()),
            lambda given, stopped: job.start(source, given, stopped),
            job.to_entry,
            job.options.max_failures,
            job.rules,
        )
        return await sending.run()


def _write(
    job: Job,
    results: Results | None,
    source: Source[AnyRow],
    journal: Journal | None,
    ending: Ending,
) -> str | None:
    """Write the results; return an error message if that fails."""
    if results is None or journal is None:
        return None
    report = job.report(source)
    return written(ending.stop, lambda: results.write(source, journal, ending.unrecorded, report))


def _totals(job: Job, source: Source[AnyRow], tally: Tally) -> str:
    if not source.count:
        return f"{visible(source.content.name)} has no rows: nothing to do"
    return tally.summary(job.statuses) + tally.earlier()


def _finish(job: Job, tally: Tally, ending: Ending, problem: str | None) -> NoReturn:
    stop = ending.stop
    if unknown := tally.of(UNKNOWN):
        noun = "row" if unknown == 1 else "rows"
        advice = UNKNOWN_GONE if job.rules.gone else UNKNOWN_ADVICE
        typer.echo(f"{unknown:,} {noun} {advice}", err=True)
    if stop.why:
        if problem:
            typer.echo(f"Error: {visible(problem)}", err=True)
        fail(f"{stop.why}; {_how_to_resume(job)}", stop.code)
    if problem:
        fail(problem)
    raise typer.Exit(REFUSED if tally.failed else 0)


def _how_to_resume(job: Job) -> str:
    options = job.options
    if options.dry_run:
        return "nothing was changed"
    if options.journal is None:
        return f"{job.sends_again}; use --journal FILE to make runs resumable"
    given = " with the same input" if options.rows == STDIN else ""
    return f"run the same command{given} to resume"
