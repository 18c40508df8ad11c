"""The options with which `monocloud run` uses a Dask cluster."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import attrs
import typer

Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help="Run on the Dask cluster with this scheduler, such as tcp://10.0.0.7:8786.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="NUMBER",
        min=1,
        help="Run on a Dask cluster of this many processes, started on this machine for this run.",
    ),
]
Tenants = Annotated[
    Path | None,
    typer.Option(
        "--tenants",
        metavar="FILE",
        help="On a cluster: JSON file that says, for each tenant's domain, where workers find its "
        'API key, such as {"acme.us.monocloud.com": "env:ACME_KEY"} or file:PATH. Each '
        "row then needs a column domain.",
    ),
]


@attrs.frozen(eq=False)
class ClusterOptions:
    """The options that only a cluster needs, and those that it reads in its own way.

    Attributes:
        rows: files or patterns of files.
        journal: the journal's directory or URL.
        scheduler: the scheduler's address; None for processes on this machine.
        workers: the number of these processes.
        tenants: the file of tenants.
        domain: the tenant's domain.
        api_key_file: the file with the API key, on each worker.
        timeout: seconds for one attempt.
        max_attempts: the maximum number of attempts per call.
    """

    rows: Sequence[str]
    journal: str | None
    scheduler: str | None
    workers: int | None
    tenants: Path | None
    domain: str | None
    api_key_file: Path | None
    timeout: float | None
    max_attempts: int
