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
        help="Where to write; - is standard output. A name that ends in .gz is compressed. Until "
        "it is whole, it is called FILE.part. Only you can read it.",
    ),
]
Form = Annotated[
    FormatName | None,
    typer.Option(
        "--format",
        help="JSON Lines, CSV or Parquet (extra: parquet); otherwise as FILE's name ends, or "
        "JSON Lines.",
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="The columns of CSV or Parquet, as user_id,email,claims.name,private_data.plan; one "
        "that ends in :json holds JSON.",
    ),
]
Details = Annotated[
    bool,
    typer.Option(
        "--details/--no-details",
        help="Whether to read each user whole, one call a user; the list leaves out private and "
        "public data.",
    ),
]
Groups = Annotated[
    bool,
    typer.Option("--groups", help="Add the ids of each user's groups, one more call a user."),
]
Filter = Annotated[
    str | None,
    typer.Option(metavar="TERMS", help="Which users, in the API's own words; otherwise all."),
]
JournalFile = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        metavar="FILE",
        help="Keep what is written in this SQLite file. Whatever ends the export, the same command "
        "then goes on: no user is lost, and none is written twice.",
    ),
]
MaxFailures = Annotated[
    int | None,
    typer.Option(metavar="NUMBER", min=0, help="Stop when more users than this cannot be read."),
]
