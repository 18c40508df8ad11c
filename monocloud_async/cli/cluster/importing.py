"""`monocloud users import` on a Dask cluster, from its options to its exit code."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from typing import NoReturn, TextIO

from ...dask.importing import OPERATION
from ...dask.job import Job, UserImport
from ...errors import ConfigurationError
from ...imports import Settings
from ...imports.journal import CREATED, EXISTED, FAILED
from ..batch.endings import print_totals
from ..batch.job import Options as BatchOptions
from ..batch.progress import display
from ..descriptors import make_room
from ..imports.command import groups_of
from ..imports.options import Options
from ..imports.results import COLUMNS, SKIPPED, ImportResults, cells
from ..settings import allows_insecure_http
from .command import ClusterRun, journal_of
from .endings import finish, tally_of, totals, write_results
from .options import ClusterOptions
from .outcomes import in_order
from .tenants import tenants_of
from .watching import Watching

_STATUSES = (CREATED, EXISTED, FAILED, SKIPPED)


def import_users(options: Options, cluster: ClusterOptions) -> NoReturn:
    """Run the command on a cluster, then exit.

    Args:
        options: the command's options.
        cluster: the options of a cluster.
    """
    _check(options)
    make_room(options.concurrency)
    job = _job(options, cluster)
    results = ImportResults(options.results, {}) if options.results else None
    limits = (options.results, options.concurrency, options.rate, False, options.max_failures)
    watching = Watching(lambda _: None, display())
    ending = ClusterRun(job, BatchOptions("", None, *limits), cluster, watching).carry_out()

    def write(file: TextIO, lines: Iterable[bytes], shown: Sequence[str]) -> None:
        is_json = results is not None and results.is_json
        _write(file, lines, watching.pieces, ["input", "line", *shown, *COLUMNS[1:]], is_json)

    tally = tally_of(watching)
    problem = write_results(ending, watching, results, write)
    problem = print_totals(totals(tally, _STATUSES)) or problem
    finish(ending, watching, problem)


def _check(options: Options) -> None:
    """Refuse what needs all rows on one machine.

    Raises:
        ConfigurationError: such an option was given.
    """
    given = {
        "--from": options.system,
        "--map": options.mapping,
        "--option": options.mapping_options,
        "--skip-mistakes": options.skip_mistakes,
        "--dry-run": options.dry_run,
    }
    for name, value in given.items():
        if value:
            raise ConfigurationError(
                f"{name} works on one machine only; nothing was sent: remove it, or remove "
                "--scheduler and --workers"
            )


def _job(options: Options, cluster: ClusterOptions) -> Job:
    return Job(
        operation=OPERATION,
        tenants=tenants_of(cluster),
        by_domain=cluster.tenants is not None,
        journal=journal_of(cluster),
        concurrency=options.concurrency,
        rate=options.rate,
        timeout=cluster.timeout,
        max_attempts=cluster.max_attempts,
        allow_insecure_http=allows_insecure_http(),
        user_import=UserImport(
            Settings(options.existing, options.send_reset), dict(groups_of(options))
        ),
    )


def _write(
    file: TextIO,
    lines: Iterable[bytes],
    pieces: Sequence[str],
    columns: Sequence[str],
    is_json: bool,
) -> None:
    """Write outcomes in the order of the input."""
    with in_order(lines, pieces, set()) as ordered:
        rows = ({name: line[name] for name in columns} for line in map(json.loads, ordered))
        if is_json:
            file.writelines(f"{json.dumps(line)}\n" for line in rows)
            return
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(cells, rows))
