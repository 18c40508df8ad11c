"""`monocloud phones set-primary-many`, from its options to its exit code."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterable, Callable, Coroutine
from contextlib import ExitStack, closing
from itertools import combinations
from pathlib import Path
from typing import Any, NoReturn

import attrs
import typer

from ...bulk import start as start_run
from ...client import MonoCloudClient
from ...errors import ConfigurationError
from ...models import User
from ..output import INTERRUPTED, MISUSED, REFUSED, drop_output, fail, visible
from . import dry_run
from .content import STDIN, Content, InputChangedError, open_content, unreadable
from .journal import FAILED, OK, SKIPPED, Journal, JournalError, Subject
from .outcomes import entry_of
from .progress import Reporter, display
from .results import Results, ResultsError
from .rows import Input, MistakesError
from .sending import Ending, PhoneRun, Sending
from .tally import Tally


@attrs.frozen(eq=False)
class Options:
    """What the command is asked for: its argument and its options, under their own names."""

    rows: str
    journal: Path | None
    results: Path | None
    concurrency: int
    rate: float | None
    dry_run: bool
    max_failures: int | None


def set_primary_many(client: MonoCloudClient, options: Options) -> NoReturn:
    """Carry out what is asked for, and end the command.

    Args:
        client: how to call the API.
        options: what is asked for.
    """
    _check_files(options)
    results = Results(options.results) if options.results else None
    with ExitStack() as stack:
        source = _source(stack, options.rows)
        journal = _journal(client, options, source)
        if journal is not None:
            stack.enter_context(closing(journal))
        failures = dry_run.FAILURES if options.dry_run else (FAILED,)
        tally = Tally(source.count, journal.counts() if journal else {}, failures)
        ending = asyncio.run(_send(client, options, source, journal, tally))
        if options.dry_run and journal:
            tally = dry_run.followed(journal, source.count)
        problem = _write(results, source, journal, ending)
    problem = _tell(_totals(options, source, tally)) or problem
    _finish(options, tally, ending, problem)


def _check_files(options: Options) -> None:
    """See that no file is written that is another one's as well."""
    files = {"--journal": options.journal, "--results": options.results}
    if options.rows != STDIN:
        files["the input"] = Path(options.rows)
    named = [(name, os.path.realpath(path)) for name, path in files.items() if path]
    for (one, path), (other, same) in combinations(named, 2):
        if path == same:
            raise ConfigurationError(
                f"{one} and {other} are the same file; nothing was sent: give each its own"
            )


def _source(stack: ExitStack, path: str) -> Input:
    try:
        return _checked(stack.enter_context(open_content(path)))
    except KeyboardInterrupt:
        fail("interrupted; nothing was sent", INTERRUPTED)


def _checked(content: Content) -> Input:
    try:
        return Input(content)
    except MistakesError as error:
        for mistake in error.mistakes:
            told = f"{content.name}, line {mistake.line}: {mistake.what}"
            typer.echo(visible(told), err=True)
        fail(str(error), MISUSED)
    except OSError as error:
        raise unreadable(content.name, error) from None


def _journal(client: MonoCloudClient, options: Options, source: Input) -> Journal | None:
    """Return where entries are kept; without a file, they are gone in the end."""
    path = None if options.dry_run else options.journal
    if not (path or options.results or options.dry_run):
        return None
    origin = str(client._caller.origin)  # pyright: ignore[reportPrivateUsage]
    return Journal(path, Subject(source.content.digest, origin, source.by, source.count))


async def _send(
    client: MonoCloudClient, options: Options, source: Input, journal: Journal | None, tally: Tally
) -> Ending:
    phones = client.phones
    method: Callable[[str, str], Coroutine[Any, Any, User]]
    if options.dry_run:
        method = dry_run.Reading(client._caller).read  # pyright: ignore[reportPrivateUsage]
    else:
        method = phones.set_primary_by_number if source.by == "number" else phones.set_primary

    def start(pairs: AsyncIterable[tuple[str, str]], stopped: Callable[[], bool]) -> PhoneRun:
        run = start_run(
            method, pairs, concurrency=options.concurrency, rate=options.rate, stopped=stopped
        )
        return PhoneRun(run, by_number=source.by == "number")

    async with client:
        reporter = Reporter(tally, display())
        to_entry = dry_run.entry_of if options.dry_run else entry_of
        sending = Sending(source, journal, tally, reporter, start, to_entry, options.max_failures)
        return await sending.run()


def _write(
    results: Results | None, source: Input, journal: Journal | None, ending: Ending
) -> str | None:
    """Write the results, and return what went wrong with that, if anything."""
    if results is None or journal is None:
        return None
    try:
        with ending.stop.while_writing(_writing_on):
            results.write(source, journal, ending.unrecorded)
    except (ResultsError, JournalError) as error:
        return str(error)
    except InputChangedError as error:
        return f"the results are missing: {error}"
    except KeyboardInterrupt:
        return "the results are missing: the command did not wait for them"
    return None


def _writing_on() -> None:
    typer.echo("the results are written first; Ctrl-C once more ends that", err=True)


def _tell(totals: str) -> str | None:
    """Print the totals, and return why they cannot be printed where they belong, if they cannot."""
    try:
        typer.echo(totals)
    except BrokenPipeError:
        raise
    except OSError as error:
        drop_output()
        typer.echo(totals, err=True)
        return f"the totals cannot be printed: {error.strerror or error}"
    return None


def _totals(options: Options, source: Input, tally: Tally) -> str:
    if not source.count:
        return f"no rows after the header in {visible(source.content.name)}: nothing to do"
    statuses = dry_run.STATUSES if options.dry_run else (OK, FAILED, SKIPPED)
    earlier = f" ({tally.before:,} of them in earlier runs)" if tally.before else ""
    return tally.told(statuses) + earlier


def _finish(options: Options, tally: Tally, ending: Ending, problem: str | None) -> NoReturn:
    stop = ending.stop
    if stop.why:
        if problem:
            typer.echo(f"Error: {visible(problem)}", err=True)
        fail(f"{stop.why}; {_how_to_go_on(options)}", stop.code)
    if problem:
        fail(problem)
    raise typer.Exit(REFUSED if tally.failed else 0)


def _how_to_go_on(options: Options) -> str:
    if options.dry_run:
        return "nothing was changed"
    if options.journal is None:
        return "a new run sends all rows again, which does no harm; --journal FILE makes it go on"
    given = ", given the same input," if options.rows == STDIN else ""
    return f"the same command{given} goes on from here"
