"""The options of `monocloud run` and of `monocloud phones set-primary-many`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from ..runnable import completed

# More than for a single call: a batch had better wait than be started again.
BATCH_ATTEMPTS = 8
_SLOWEST = 0.001


def _finite(rate: float | None) -> float | None:
    # The option's range lets infinity pass, and NaN too where the two are only compared.
    if rate is None or math.isfinite(rate):
        return rate
    raise typer.BadParameter(f"it must be a finite number, {_SLOWEST} or more")


Rows = Annotated[
    str, typer.Argument(metavar="ROWS", help="The file with the rows; - is standard input.")
]
JournalFile = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        metavar="FILE",
        help="Keep what is done in this SQLite file. Whatever ends the run, the same command then "
        "goes on: no row in it that is done is sent again, and those that failed are.",
    ),
]
ResultsFile = Annotated[
    Path | None,
    typer.Option(
        "--results",
        metavar="FILE",
        help="Write what became of each row to this CSV file, in the end; it is replaced.",
    ),
]
Concurrency = Annotated[
    int, typer.Option(metavar="NUMBER", min=1, max=1000, help="Calls in flight at once, at most.")
]
Rate = Annotated[
    float | None,
    typer.Option(
        metavar="NUMBER",
        min=_SLOWEST,
        callback=_finite,
        help="Calls a second, at most; otherwise the run discovers the tenant's limit.",
    ),
]
IsDryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Only read, and say what would change; a journal is neither read nor written.",
    ),
]
MaxFailures = Annotated[
    int | None,
    typer.Option(metavar="NUMBER", min=0, help="Stop when more rows than this failed in this run."),
]

OperationName = Annotated[
    str,
    typer.Argument(
        metavar="OPERATION", help="Such as users.disable; see below.", autocompletion=completed
    ),
]
ResultsOfCalls = Annotated[
    Path | None,
    typer.Option(
        "--results",
        metavar="FILE",
        help="Write what became of each row to this file, in the end; it is replaced. JSON Lines "
        "with what each call returned where its name ends in .jsonl, CSV otherwise.",
    ),
]
OnlyChecks = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Check the whole file, show what its first rows would send, and send nothing.",
    ),
]
Fixed = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="An argument for all rows; may be given more than once."
    ),
]
Null = Annotated[
    str | None,
    typer.Option(
        "--null",
        metavar="TEXT",
        help="Cells that say this clear what their column names, where that can be cleared.",
    ),
]
Ignored = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore-column",
        metavar="NAME",
        help="Pass over this column without a word; may be given more than once.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")]
RetryUnknown = Annotated[
    bool,
    typer.Option(
        "--retry-unknown", help="Send rows again that may have been applied by an earlier run."
    ),
]
ShowSecrets = Annotated[
    bool,
    typer.Option(
        "--show-secrets",
        help="Keep and show such as links that set a password, in a journal and results that only "
        "you can read.",
    ),
]
