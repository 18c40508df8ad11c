"""Run `monocloud users import`, from its options to its exit code."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from typing import NoReturn, cast

import typer

from ...client import MonoCloudClient
from ...errors import ConfigurationError
from ...imports import Import, ImportJournal, Settings
from ...imports.dry_run import DryRun
from ...imports.importer import Importer
from ...imports.journal import CREATED, EXISTED, FAILED
from ...imports.run import origin_of
from ..batch.content import STDIN, open_content, unreadable
from ..batch.endings import check_files, close_to_others, make_private, print_totals, written
from ..batch.progress import Reporter, display
from ..batch.stop import Stop
from ..batch.tally import Tally
from ..output import INTERRUPTED, MISUSED, REFUSED, fail, visible
from .check import Checked, check
from .migrating import migrated
from .options import Options
from .records import Source
from .results import SKIPPED, ImportResults
from .row_file import RowFile
from .running import Rows, Running

_STATUSES = (CREATED, EXISTED, FAILED, SKIPPED)
# The names of statuses in a dry run.
_WOULD = {CREATED: "would be created", EXISTED: "already exists"}


def import_users(client: MonoCloudClient, options: Options) -> NoReturn:
    """Run the command, then exit.

    Args:
        client: the client to call the API with.
        options: the command's options.
    """
    check_files(options.file, options.journal, options.results)
    groups = groups_of(options)
    names = _WOULD if options.dry_run else {}
    results = ImportResults(options.results, names) if options.results else None
    with ExitStack() as stack:
        source = _source(stack, options)
        # Do not create a journal for an input with mistakes.
        is_there = options.journal is not None and options.journal.exists()
        journal = _journal(stack, client, options) if is_there else None
        found = _checked(source, groups, options, journal)
        journal = journal or _journal(stack, client, options)
        tally, stop = _tally(found), Stop()
        differing = asyncio.run(_send(client, options, source, groups, journal, tally, stop))
        problem = _write(results, source, groups, journal, stop)
    problem = print_totals(_totals(tally, names, differing)) or problem
    _finish(options, found, tally, stop, problem)


def groups_of(options: Options) -> Mapping[str, str]:
    """Return the group ids by name.

    Raises:
        ConfigurationError: the file of groups is invalid.
    """
    if options.groups is None:
        return {}
    try:
        found: object = json.loads(options.groups.read_bytes())
    except OSError as error:
        raise unreadable(f"--groups {options.groups}", error) from None
    except ValueError:
        found = None
    pairs = cast("dict[str, object]", found) if isinstance(found, dict) else {"": None}
    if not all(isinstance(group_id, str) for group_id in pairs.values()):
        raise ConfigurationError(
            f"--groups {options.groups} must be a JSON object of names and ids; nothing was sent"
        )
    return cast("Mapping[str, str]", pairs)


def _source(stack: ExitStack, options: Options) -> Source:
    if options.system or options.mapping:
        return migrated(options.file, options.system, options.mapping, options.mapping_options)
    if options.mapping_options:
        raise ConfigurationError("--option needs --from or --map; nothing was sent")
    try:
        return RowFile(stack.enter_context(open_content(options.file)))
    except KeyboardInterrupt:
        fail("interrupted; nothing was sent", INTERRUPTED)


def _checked(
    source: Source, groups: Mapping[str, str], options: Options, journal: ImportJournal | None
) -> Checked:
    """Check the whole input, and exit on a mistake that may not be skipped."""
    try:
        found = check(source, groups, journal)
    except KeyboardInterrupt:
        fail("interrupted; nothing was sent", INTERRUPTED)
    except OSError as error:
        raise unreadable(source.name, error) from None
    for mistake in found.mistakes:
        typer.echo(visible(f"{source.name}, line {mistake.line}: {mistake.message}"), err=True)
    if hidden := found.mistake_count - len(found.mistakes):
        typer.echo(f"({hidden:,} more not shown)", err=True)
    for line in _remarks(found):
        typer.echo(visible(line), err=True)
    if (found.mistake_count and not (options.skip_mistakes or options.dry_run)) or found.broken:
        noun, them = ("mistake", "it") if found.mistake_count == 1 else ("mistakes", "them")
        alternative = "" if found.broken else ", or use --skip-mistakes"
        fail(
            f"{source.name} has {found.mistake_count:,} {noun}; nothing was sent: correct {them}"
            f"{alternative}",
            MISUSED,
        )
    return found


def _remarks(found: Checked) -> Iterator[str]:
    for reason, count in found.left_out.most_common():
        yield f"{_rows(count)} not imported: {reason}"
    for loss, count in found.losses.most_common():
        yield f"{_rows(count)} affected: {loss}"


def _rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


def _journal(stack: ExitStack, client: MonoCloudClient, options: Options) -> ImportJournal | None:
    """Open the journal; without a file, it is a temporary one."""
    path = None if options.dry_run else options.journal
    if not (path or options.results):
        return None
    if path:
        make_private(path)
    origin = origin_of(client._caller)  # pyright: ignore[reportPrivateUsage]
    journal = stack.enter_context(closing(ImportJournal(path, origin)))
    if path:
        close_to_others(path)
    return journal


def _tally(found: Checked) -> Tally:
    # Rows that failed or were cut off are retried.
    tally = Tally(found.rows, {**found.settled, FAILED: found.unreadable})
    tally.before = sum(found.settled.values())
    return tally


async def _send(
    client: MonoCloudClient,
    options: Options,
    source: Source,
    groups: Mapping[str, str],
    journal: ImportJournal | None,
    tally: Tally,
    stop: Stop,
) -> int:
    """Run the import; return how many users existed with different content."""
    rows = Rows(source, stop)
    run = Import(
        client._caller,  # pyright: ignore[reportPrivateUsage]
        rows,
        Settings(options.existing, options.send_reset),
        groups,
        concurrency=options.concurrency,
        rate=options.rate,
        stopped=stop.asked.is_set,
        kind=DryRun if options.dry_run else Importer,
    )
    async with client:
        reporter = Reporter(tally, display())
        running = Running(rows, stop, tally, reporter, options.max_failures)
        await running.run(run.through(journal))
        return running.differing


def _write(
    results: ImportResults | None,
    source: Source,
    groups: Mapping[str, str],
    journal: ImportJournal | None,
    stop: Stop,
) -> str | None:
    """Write the results; return an error message if that fails."""
    if results is None or journal is None:
        return None
    return written(stop, lambda: results.write_all(source, groups, journal))


def _totals(tally: Tally, names: Mapping[str, str], differing: int) -> str:
    counts = {status: _counted(tally.of(status), names.get(status, status)) for status in _STATUSES}
    if differing:
        counts[EXISTED] += f" ({differing:,} with different content)"
    noun = "row" if tally.rows == 1 else "rows"
    return f"{tally.rows:,} {noun}: {', '.join(counts.values())}{tally.earlier()}"


def _counted(count: int, status: str) -> str:
    # The only status with a verb that has a plural.
    is_plural = count != 1 and status == _WOULD[EXISTED]
    return f"{count:,} {status.removesuffix('s') if is_plural else status}"


def _finish(
    options: Options, found: Checked, tally: Tally, stop: Stop, problem: str | None
) -> NoReturn:
    if stop.why:
        if problem:
            typer.echo(f"Error: {visible(problem)}", err=True)
        fail(f"{stop.why}; {_how_to_resume(options)}", stop.code)
    if problem:
        fail(problem)
    # A dry run fails if the import would be rejected.
    refused = options.dry_run and not options.skip_mistakes and found.mistake_count
    raise typer.Exit(REFUSED if tally.failed or refused else 0)


def _how_to_resume(options: Options) -> str:
    if options.dry_run:
        return "nothing was changed"
    if options.journal is None:
        return "a new run finds the users that exist; use --journal FILE to make runs resumable"
    given = " with the same input" if options.file == STDIN else ""
    return f"run the same command{given} to resume"
