"""Run an operation over many rows on a Dask cluster."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from typing import Any

from .._settings import domain_of
from ..cli.batch.stop import Stop
from ..errors import ConfigurationError, InvalidArgumentError
from .cluster import connected
from .driver import Driver, Progress, Watcher
from .inputs import input_of
from .job import DEFAULT_SOURCE, Job
from .results import ClusterResult


async def run(
    operation: str,
    rows: str | Iterable[str] | Any,
    *,
    journal: str,
    cluster: Any = None,
    workers: int | None = None,
    domain: str | None = None,
    api_key: str = DEFAULT_SOURCE,
    tenants: Mapping[str, str] | None = None,
    fixed: Mapping[str, object] | None = None,
    null: str | None = None,
    ignored: Iterable[str] = (),
    concurrency: int = 32,
    rate: float | None = None,
    timeout: float | None = None,
    max_attempts: int = 8,
    max_failures: int | None = None,
    retry_unknown: bool = False,
    answers: bool = False,
    show_secrets: bool = False,
    allow_insecure_http: bool = False,
    storage_options: Mapping[str, Any] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> ClusterResult:
    """Call an operation once for each row of a file, a table or many of them, on a Dask cluster.

    All rows are checked before anything is sent. Rows with the same first argument, usually a
    user's id, are sent in their order by one worker. All workers share one pace for each tenant.
    What is done is recorded in the journal: the same call, on this cluster or another, resumes a
    run that ended early. Rows that are done are not sent again; a killed worker leaves at most 400
    rows and its calls in flight to be sent again for each bucket of some thousand rows that it
    worked on.

    Args:
        operation: the operation, such as ``"phones.set_primary"``.
        rows: a pattern such as ``"s3://bucket/rows/*.parquet"`` (CSV, JSON Lines or Parquet), a
            list of patterns, a Dask DataFrame with a column for each argument, or a Dask Bag of
            mappings.
        journal: the URL of a directory that the caller and all workers can read and write, such as
            ``"s3://bucket/job-17"``. It holds personal data while the run goes on, and the outcomes
            after it.
        cluster: a scheduler's address, a Dask client or a Dask cluster. None starts one of
            processes on this machine.
        workers: the number of these processes. None means one for each CPU.
        domain: the tenant's domain. None reads MONOCLOUD_MANAGEMENT_DOMAIN from the environment.
        api_key: where each worker finds the API key: ``env:NAME`` or ``file:PATH``.
        tenants: for rows of several tenants, where to find the API key of each, by its domain. The
            rows then need a column ``domain``.
        fixed: arguments that are the same for all rows.
        null: the text in a row that clears a value.
        ignored: columns to ignore; others that are not arguments are listed as ignored.
        concurrency: the maximum number of calls in flight for each bucket. A worker sends two
            buckets at a time.
        rate: the maximum number of calls per second and tenant. None discovers each tenant's limit.
        timeout: seconds for one attempt. None means 10.
        max_attempts: the maximum number of attempts per call.
        max_failures: stop after more than this many failed rows. None means never.
        retry_unknown: whether to send rows again that may have been applied and cannot be looked
            up.
        answers: whether the outcomes include what the calls returned.
        show_secrets: whether that includes secrets such as password reset links.
        allow_insecure_http: accept ``http://`` for hosts other than this machine.
        storage_options: the options of the file systems of ``rows`` and ``journal``.
        progress: called with the progress twice a second.

    Returns:
        The totals, and the outcomes as a Dask DataFrame.

    Raises:
        ConfigurationError: an argument is invalid, or a row has a mistake; nothing was sent.
        StoppedError: the run was stopped, for example because a key is wrong. It has the result.
        JournalError: the journal cannot be read or written.
        MonoCloudError: the connection to the scheduler is lost; the run can be resumed.

    Example:
        ```python
        result = await monocloud_async.dask.run(
            "phones.set_primary", "rows/*.parquet", journal="journal/phones"
        )
        print(result.counts)
        ```
    """
    job = Job(
        operation=operation,
        tenants=tenants_of(domain, api_key, tenants, allow_http=allow_insecure_http),
        by_domain=tenants is not None,
        journal=journal,
        storage_options=dict(storage_options or {}),
        fixed=_fixed(fixed or {}),
        null=null,
        ignored=tuple(ignored),
        concurrency=concurrency,
        rate=rate,
        timeout=timeout,
        max_attempts=max_attempts,
        retry_unknown=retry_unknown,
        answers=answers,
        show_secrets=show_secrets,
        allow_insecure_http=allow_insecure_http,
    )
    return await carry_out(job, rows, cluster, workers, watcher_of(progress, max_failures))


async def carry_out(
    job: Job, rows: object, cluster: Any, workers: int | None, watcher: Watcher
) -> ClusterResult:
    """Connect to a cluster, and carry out a job there.

    Args:
        job: the job.
        rows: its input.
        cluster: the cluster; None starts one on this machine.
        workers: the number of its processes.
        watcher: observes the run.

    Raises:
        ConfigurationError: an argument is invalid, or a row has a mistake; nothing was sent.
        StoppedError: the run was stopped.
        JournalError: the journal cannot be read or written.
    """
    found = await asyncio.to_thread(input_of, rows, job.storage_options)
    async with connected(cluster, workers) as client:
        return await Driver(client, job, found, watcher).run()


def watcher_of(progress: Callable[[Progress], None] | None, max_failures: int | None) -> Watcher:
    """Return what observes a run that a program started.

    Raises:
        InvalidArgumentError: ``max_failures`` is invalid.
    """
    if max_failures is not None and (type(max_failures) is not int or max_failures < 0):
        raise InvalidArgumentError(
            f"max_failures must be a whole number, 0 or more, or None, not {max_failures!r}; "
            "nothing was sent"
        )
    return Watcher(
        confirm=_no_confirmation,
        running=lambda _: nullcontext(),
        show=progress or (lambda _: None),
        stop=Stop(),
        max_failures=max_failures,
    )


def _no_confirmation(*_: object) -> None:
    """The caller has decided already."""


def tenants_of(
    domain: str | None, api_key: str, tenants: Mapping[str, str] | None, *, allow_http: bool
) -> Mapping[str, str]:
    """Return where each tenant's API key comes from.

    Raises:
        ConfigurationError: the domain is missing, or given twice.
    """
    if tenants is None:
        return {domain_of(domain, allow_http=allow_http): api_key}
    if domain is not None:
        raise ConfigurationError("pass either domain or tenants, not both; nothing was sent")
    if not tenants:
        raise ConfigurationError("tenants must name a tenant; nothing was sent")
    return tenants


def _fixed(fixed: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(f"{name}={_text(name, value)}" for name, value in fixed.items())


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        raise InvalidArgumentError(f"fixed: {name} is None; nothing was sent: leave it out")
    try:
        return json.dumps(value)
    except (TypeError, ValueError):
        raise InvalidArgumentError(
            f"fixed: {name} must be a text, a number, a flag or a JSON object, not "
            f"{type(value).__name__}; nothing was sent"
        ) from None
