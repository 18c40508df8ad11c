"""The options of `monocloud users export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

FormatName = Literal["jsonl", "csv", "parquet"]

File = Annotated[
    str,
    typer.Argument(
        metavar="[FILE]",
        help="File to write, or - for standard output; compressed if its name ends in .gz. It is "
        "called FILE.part until it is complete. Only you can read it.",
    ),
]
Form = Annotated[
    FormatName | None,
    typer.Option(
        "--format",
        help="Output format; Parquet needs the extra parquet. Default: by FILE's name, else JSON "
        "Lines.",
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="Columns of CSV or Parquet, such as user_id,email,claims.name,private_data.plan; add "
        ":json to a name to write JSON.",
    ),
]
Details = Annotated[
    bool,
    typer.Option(
        "--details/--no-details",
        help="Read each user in full, with one call per user; without it, private and public data "
        "are missing.",
    ),
]
Groups = Annotated[
    bool,
    typer.Option("--groups", help="Add each user's group ids, with one more call per user."),
]
Filter = Annotated[
    str | None,
    typer.Option(metavar="TERMS", help="Export only users that match this API filter."),
]
JournalFile = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        metavar="FILE",
        help="Record progress in this SQLite file. However the export ends, the same command "
        "resumes it: no user is lost or written twice.",
    ),
]
MaxFailures = Annotated[
    int | None,
    typer.Option(
        metavar="NUMBER", min=0, help="Stop when more than this many users cannot be read."
    ),
]
