"""Import users on a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from ..imports.run import checked_groups
from ..imports.settling import Settings
from .driver import Progress
from .job import DEFAULT_SOURCE, Job, UserImport
from .results import ClusterResult
from .running import carry_out, tenants_of, watcher_of

OPERATION = "users.import"


async def import_users(
    rows: str | Iterable[str] | Any,
    *,
    journal: str,
    cluster: Any = None,
    workers: int | None = None,
    domain: str | None = None,
    api_key: str = DEFAULT_SOURCE,
    tenants: Mapping[str, str] | None = None,
    existing: Literal["skip", "complete"] = "skip",
    send_reset: bool = False,
    groups: Mapping[str, str] | None = None,
    skip_password_policy_checks: bool = False,
    skip_identifier_restriction_checks: bool = False,
    skip_conformance_checks: bool = True,
    concurrency: int = 32,
    rate: float | None = None,
    timeout: float | None = None,
    max_attempts: int = 8,
    max_failures: int | None = None,
    allow_insecure_http: bool = False,
    storage_options: Mapping[str, Any] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> ClusterResult:
    """Create the users of a file, a table or many of them, each exactly once, on a Dask cluster.

    All rows are checked before anything is sent, also for identifiers that several of them have.
    All workers share one pace for each tenant. The journal records how far each row got: the same
    call, on this cluster or another, resumes an import that ended early. It looks up the rows that
    a killed worker may have sent, and continues those that are half done.

    Args:
        rows: a pattern such as ``"s3://bucket/users/*.parquet"`` (CSV, JSON Lines or Parquet), a
            list of patterns, a Dask DataFrame, or a Dask Bag of mappings. The rows have the members
            that docs/import.md lists.
        journal: the URL of a directory that the caller and all workers can read and write, such as
            ``"s3://bucket/job-17"``. It holds personal data and passwords while the import goes on,
            and the outcomes after it.
        cluster: a scheduler's address, a Dask client or a Dask cluster. None starts one of
            processes on this machine.
        workers: the number of these processes. None means one for each CPU.
        domain: the tenant's domain. None reads MONOCLOUD_MANAGEMENT_DOMAIN from the environment.
        api_key: where each worker finds the API key: ``env:NAME`` or ``file:PATH``.
        tenants: for rows of several tenants, where to find the API key of each, by its domain. The
            rows then need a column ``domain``.
        existing: what to do with a user who already exists: ``"skip"`` changes nothing,
            ``"complete"`` adds what the user lacks but changes and removes nothing.
        send_reset: whether to email each created user a link to set a password.
        groups: group ids by the names that the rows use.
        skip_password_policy_checks: whether to accept passwords that violate the tenant's password
            policy.
        skip_identifier_restriction_checks: whether to ignore the tenant's block list.
        skip_conformance_checks: whether to ignore the tenant's sign-up requirements.
        concurrency: the maximum number of rows in flight for each bucket. A worker sends two
            buckets at a time.
        rate: the maximum number of calls per second and tenant. None discovers each tenant's limit.
        timeout: seconds for one attempt. None means 10.
        max_attempts: the maximum number of attempts per call.
        max_failures: stop after more than this many failed rows. None means never.
        allow_insecure_http: accept ``http://`` for hosts other than this machine.
        storage_options: the options of the file systems of ``rows`` and ``journal``.
        progress: called with the progress twice a second.

    Returns:
        The totals (``created``, ``existed``, ``failed`` and ``skipped``), and the outcomes as a
        Dask DataFrame.

    Raises:
        ConfigurationError: an argument is invalid, or a row has a mistake; nothing was sent.
        StoppedError: the import was stopped, for example because a key is wrong. It has the result.
        JournalError: the journal cannot be read or written.
        MonoCloudError: the connection to the scheduler is lost; the import can be resumed.

    Example:
        ```python
        result = await monocloud_async.dask.import_users(
            "users/*.parquet", journal="journal/users"
        )
        print(result.counts)
        ```
    """
    settings = Settings(
        existing,
        send_reset,
        skip_password_policy_checks,
        skip_identifier_restriction_checks,
        skip_conformance_checks,
    )
    job = Job(
        operation=OPERATION,
        tenants=tenants_of(domain, api_key, tenants, allow_http=allow_insecure_http),
        by_domain=tenants is not None,
        journal=journal,
        storage_options=dict(storage_options or {}),
        concurrency=concurrency,
        rate=rate,
        timeout=timeout,
        max_attempts=max_attempts,
        allow_insecure_http=allow_insecure_http,
        user_import=UserImport(settings, dict(checked_groups(settings, groups))),
    )
    return await carry_out(job, rows, cluster, workers, watcher_of(progress, max_failures))
