"""The arguments of `monocloud users import`."""

from __future__ import annotations

import attrs

from ..batch.options import (
    BATCH_ATTEMPTS,
    AnyJournal,
    Concurrency,
    IsDryRun,
    MaxFailures,
    Rate,
)
from ..cluster.options import ClusterOptions, Scheduler, Tenants, Workers
from ..ending import exit_codes
from ..settings import ApiKeyFile, Domain, MaxAttempts, Timeout, make_batch_client
from .options import (
    AnyUsers,
    Existing,
    From,
    Groups,
    Map,
    MappingOption,
    Options,
    ResultsFile,
    SendReset,
    SkipMistakes,
)


@exit_codes()
def import_users(
    file: AnyUsers,
    system: From = None,
    mapping: Map = None,
    option: MappingOption = None,
    groups: Groups = None,
    existing: Existing = "skip",
    send_reset: SendReset = False,
    skip_mistakes: SkipMistakes = False,
    journal: AnyJournal = None,
    results: ResultsFile = None,
    concurrency: Concurrency = 32,
    rate: Rate = None,
    dry_run: IsDryRun = False,
    max_failures: MaxFailures = None,
    domain: Domain = None,
    api_key_file: ApiKeyFile = None,
    timeout: Timeout = None,
    max_attempts: MaxAttempts = BATCH_ATTEMPTS,
    scheduler: Scheduler = None,
    workers: Workers = None,
    tenants: Tenants = None,
) -> None:
    """Import users from a file, each exactly once.

    The file is CSV with a header, or JSON Lines. Its columns have the API's names, such as email,
    password_hash and claims.locale; docs/import.md lists them. The whole file is checked before
    anything is sent. With --dry-run, existing users are looked up as well. With --workers or
    --scheduler, a Dask cluster imports many files, which may also be Parquet.
    """
    # Imported here because SQLite and the rest would slow down the other commands.
    from ..cluster.where import is_on_cluster, let_dask_log_errors_only, one_file
    from . import command

    on_cluster = ClusterOptions(
        file, journal, scheduler, workers, tenants, domain, api_key_file, timeout, max_attempts
    )
    source = ("", system, mapping, option or ())
    rules = (groups, existing, send_reset, skip_mistakes)
    options = Options(*source, *rules, None, results, concurrency, rate, dry_run, max_failures)
    if is_on_cluster(on_cluster):
        let_dask_log_errors_only()
        from ..cluster import importing

        importing.import_users(options, on_cluster)
    path, file_journal = one_file(on_cluster)
    client = make_batch_client(domain, api_key_file, timeout, max_attempts, concurrency)
    command.import_users(client, attrs.evolve(options, file=path, journal=file_journal))
