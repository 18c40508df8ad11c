"""The options of `monocloud run` and `monocloud phones set-primary-many`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from ..runnable import completed

# More than for a single call: for a batch, waiting beats starting over.
BATCH_ATTEMPTS = 8
_SLOWEST = 0.001


def _finite(rate: float | None) -> float | None:
    # Typer's range check lets infinity pass, and in some versions NaN.
    if rate is None or math.isfinite(rate):
        return rate
    raise typer.BadParameter(f"must be a finite number, {_SLOWEST} or more")


Rows = Annotated[
    str, typer.Argument(metavar="ROWS", help="File with the rows, or - for standard input.")
]
JournalFile = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        metavar="FILE",
        help="Record progress in this SQLite file. However the run ends, the same command resumes "
        "it: it resends failed rows, but not completed ones.",
    ),
]
AnyRows = Annotated[
    list[str],
    typer.Argument(
        metavar="ROWS",
        help="File with the rows, or - for standard input. On a cluster, also several files, or "
        "patterns such as 'rows/*.parquet' and s3://bucket/rows/*.csv.",
    ),
]
AnyJournal = Annotated[
    str | None,
    typer.Option(
        "--journal",
        metavar="FILE",
        help="Record progress in this SQLite file, or, on a cluster, in this directory, which may "
        "be a URL such as s3://bucket/job-17. However the run ends, the same command resumes it: "
        "rows that are done are not resent, rows that failed are.",
    ),
]
ResultsFile = Annotated[
    Path | None,
    typer.Option(
        "--results",
        metavar="FILE",
        help="Write the outcome of each row to this CSV file when the run ends; replaces the file.",
    ),
]
Concurrency = Annotated[
    int, typer.Option(metavar="NUMBER", min=1, max=1000, help="Maximum number of calls in flight.")
]
Rate = Annotated[
    float | None,
    typer.Option(
        metavar="NUMBER",
        min=_SLOWEST,
        callback=_finite,
        help="Maximum calls per second. Default: discover the tenant's rate limit.",
    ),
]
IsDryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Report what would change, without changing anything or using the journal.",
    ),
]
MaxFailures = Annotated[
    int | None,
    typer.Option(
        metavar="NUMBER", min=0, help="Stop after more than this many failures in this run."
    ),
]

OperationName = Annotated[
    str,
    typer.Argument(
        metavar="OPERATION",
        help="The operation, such as users.disable; see below.",
        autocompletion=completed,
    ),
]
ResultsOfCalls = Annotated[
    Path | None,
    typer.Option(
        "--results",
        metavar="FILE",
        help="Write the outcome of each row to this file when the run ends; replaces the file. A "
        ".jsonl file gets JSON Lines that include what each call returned, any other gets CSV.",
    ),
]
OnlyChecks = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Check the whole file and show the first requests, without sending anything.",
    ),
]
Fixed = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="An argument for all rows (repeatable)."),
]
Null = Annotated[
    str | None,
    typer.Option(
        "--null",
        metavar="TEXT",
        help="Cell text that clears a field, such as NULL.",
    ),
]
Ignored = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore-column",
        metavar="NAME",
        help="Ignore this column silently (repeatable).",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Skip the confirmation prompt.")]
RetryUnknown = Annotated[
    bool,
    typer.Option("--retry-unknown", help="Resend rows that an earlier run may have applied."),
]
ShowSecrets = Annotated[
    bool,
    typer.Option(
        "--show-secrets",
        help="Include secrets such as password reset links in the journal and the results, which "
        "only you can read.",
    ),
]
