"""The arguments of `monocloud run`."""

from __future__ import annotations

from .batch.options import (
    BATCH_ATTEMPTS,
    AnyJournal,
    AnyRows,
    Concurrency,
    Fixed,
    Ignored,
    MaxFailures,
    Null,
    OnlyChecks,
    OperationName,
    Rate,
    ResultsOfCalls,
    RetryUnknown,
    ShowSecrets,
    Yes,
)
from .cluster.options import ClusterOptions, Scheduler, Tenants, Workers
from .ending import exit_codes
from .runnable import find
from .settings import ApiKeyFile, Domain, MaxAttempts, Timeout, make_batch_client


@exit_codes()
def run_operation(
    operation: OperationName,
    rows: AnyRows,
    journal: AnyJournal = None,
    results: ResultsOfCalls = None,
    concurrency: Concurrency = 32,
    rate: Rate = None,
    dry_run: OnlyChecks = False,
    max_failures: MaxFailures = None,
    fixed: Fixed = None,
    null: Null = None,
    ignored: Ignored = None,
    retry_unknown: RetryUnknown = False,
    show_secrets: ShowSecrets = False,
    yes: Yes = False,
    domain: Domain = None,
    api_key_file: ApiKeyFile = None,
    timeout: Timeout = None,
    max_attempts: MaxAttempts = BATCH_ATTEMPTS,
    scheduler: Scheduler = None,
    workers: Workers = None,
    tenants: Tenants = None,
) -> None:
    """Run an operation for each row of a file.

    The file is CSV with a header, or JSON Lines; its columns are the operation's arguments. The
    whole file is checked before anything is sent. Rows of the same user are sent in file order.
    With --workers or --scheduler, a Dask cluster runs it over many files, which may also be
    Parquet, with one pace for each tenant.
    """
    # Imported here because SQLite and the rest would slow down the other commands.
    from .batch.call_job import CallJob, CallOptions
    from .batch.command import carry_out
    from .batch.job import Options
    from .cluster.where import is_on_cluster, let_dask_log_errors_only, one_file

    runnable = find(operation)
    on_cluster = ClusterOptions(
        rows, journal, scheduler, workers, tenants, domain, api_key_file, timeout, max_attempts
    )
    call_options = CallOptions(fixed or (), null, ignored or (), yes, retry_unknown, show_secrets)
    limits = (results, concurrency, rate, dry_run, max_failures)
    if is_on_cluster(on_cluster):
        let_dask_log_errors_only()
        from .cluster import command

        command.carry_out(runnable, Options("", None, *limits), call_options, on_cluster)
    file, file_journal = one_file(on_cluster)
    client = make_batch_client(domain, api_key_file, timeout, max_attempts, concurrency)
    carry_out(CallJob(client, Options(file, file_journal, *limits), runnable, call_options))
