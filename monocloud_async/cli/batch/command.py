"""`monocloud phones set-primary-many`, from its options to its exit code."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import ExitStack, closing
from itertools import combinations
from pathlib import Path
from typing import NoReturn

import attrs
import typer

from ...bulk import Outcome
from ...client import MonoCloudClient
from ...errors import ConfigurationError
from ..output import MISUSED, REFUSED, fail, visible
from . import dry_run
from .content import STDIN, Content, open_content
from .journal import FAILED, OK, SKIPPED, Journal, JournalError, Subject
from .outcomes import entry_of
from .progress import Reporter, display
from .results import Results, ResultsError
from .rows import Input, MistakesError
from .sending import Ending, Sending
from .tally import Tally


@attrs.frozen(eq=False)
class Order:
    """What the command is asked for: its argument and its options, under their own names."""

    rows: str
    journal: Path | None
    results: Path | None
    concurrency: int
    rate: float | None
    dry_run: bool
    max_failures: int | None


def set_primary_many(client: MonoCloudClient, order: Order) -> NoReturn:
    """Carry out what is asked for, and end the command.

    Args:
        client: how to call the API.
        order: what is asked for.
    """
    _check_files(order)
    results = Results(order.results) if order.results else None
    with ExitStack() as stack:
        source = _checked(stack.enter_context(open_content(order.rows)))
        journal = _journal(client, order, source)
        if journal is not None:
            stack.enter_context(closing(journal))
        tally = Tally(source.count, journal.counts() if journal else {})
        ending = asyncio.run(_send(client, order, source, journal, tally))
        if order.dry_run and journal:
            tally = dry_run.followed(journal, source.count)
        problem = _write(results, source, journal, ending)
    _finish(order, tally, ending, problem)


def _check_files(order: Order) -> None:
    """See that no file is written that is another one's as well."""
    files = {"--journal": order.journal, "--results": order.results}
    if order.rows != STDIN:
        files["the input"] = Path(order.rows)
    named = [(name, os.path.realpath(path)) for name, path in files.items() if path]
    for (one, path), (other, same) in combinations(named, 2):
        if path == same:
            raise ConfigurationError(f"{one} and {other} are the same file; nothing was sent")


def _checked(content: Content) -> Input:
    try:
        return Input(content)
    except MistakesError as error:
        for mistake in error.mistakes:
            told = f"{content.name}, line {mistake.line}: {mistake.what}"
            typer.echo(visible(told), err=True)
        fail(str(error), MISUSED)


def _journal(client: MonoCloudClient, order: Order, source: Input) -> Journal | None:
    """Return where entries are kept; what is not asked for as a file is gone in the end."""
    path = None if order.dry_run else order.journal
    if not (path or order.results or order.dry_run):
        return None
    origin = client._transport.origin
    return Journal(path, Subject(source.content.digest, origin, source.by, source.count))


async def _send(
    client: MonoCloudClient, order: Order, source: Input, journal: Journal | None, tally: Tally
) -> Ending:
    def start(pairs: AsyncIterable[tuple[str, str]]) -> AsyncGenerator[Outcome, None]:
        many = dry_run.read_many if order.dry_run else client.phones.set_primary_many
        return many(pairs, concurrency=order.concurrency, rate=order.rate, by=source.by)

    async with client:
        reporter = Reporter(tally, display())
        to_entry = dry_run.entry_of if order.dry_run else entry_of
        sending = Sending(
            source, journal, tally, reporter, start, to_entry, order.max_failures
        )
        return await sending.run()


def _write(
    results: Results | None, source: Input, journal: Journal | None, ending: Ending
) -> str | None:
    """Write the results, and return what went wrong with that, if anything."""
    try:
        if results and journal:
            results.write(source, journal, ending.unrecorded)
    except (ResultsError, JournalError) as error:
        return str(error)
    return None


def _finish(order: Order, tally: Tally, ending: Ending, problem: str | None) -> NoReturn:
    statuses = dry_run.STATUSES if order.dry_run else (OK, FAILED, SKIPPED)
    typer.echo(tally.told(statuses))
    stop = ending.stop
    if stop.why:
        if problem:
            typer.echo(f"Error: {visible(problem)}", err=True)
        fail(f"{stop.why}; {_how_to_go_on(order)}", stop.code)
    if problem:
        fail(problem)
    failures = dry_run.FAILURES if order.dry_run else (FAILED,)
    raise typer.Exit(REFUSED if any(map(tally.of, failures)) else 0)


def _how_to_go_on(order: Order) -> str:
    if order.dry_run:
        return "nothing was changed"
    if order.journal is None:
        return "a new run sends all rows again, which does no harm; --journal FILE makes it go on"
    given = ", given the same input," if order.rows == STDIN else ""
    return f"the same command{given} goes on from here"
