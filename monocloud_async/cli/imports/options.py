"""The options of `monocloud users import`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import attrs
import typer

SYSTEMS = ("auth0", "clerk", "cognito", "firebase", "keycloak", "okta")

AnyUsers = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE",
        help="File with the users, or - for standard input. On a cluster, also several files, or "
        "patterns such as 'users/*.parquet' and s3://bucket/users/*.csv.",
    ),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="SYSTEM",
        help=f"System that exported the file: {', '.join(SYSTEMS)}. Default: import rows.",
    ),
]
Map = Annotated[
    str | None,
    typer.Option(
        "--map",
        metavar="MODULE:FUNCTION",
        help="Function that maps a record to an import row, instead of the built-in mapping.",
    ),
]
MappingOption = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="NAME=VALUE",
        help="Set an option of the mapping, such as hashes=FILE (repeatable).",
    ),
]
Groups = Annotated[
    Path | None,
    typer.Option(
        "--groups",
        metavar="FILE",
        help="JSON object that maps the group names in the file to group ids.",
    ),
]
Existing = Annotated[
    Literal["skip", "complete"],
    typer.Option(help="Skip existing users, or add what they lack; existing values never change."),
]
SendReset = Annotated[
    bool,
    typer.Option(
        "--send-reset", help="As the last step, email each created user a link to set a password."
    ),
]
SkipMistakes = Annotated[
    bool,
    typer.Option(
        "--skip-mistakes",
        help="Import the valid rows. Default: import nothing if any row has a mistake.",
    ),
]
ResultsFile = Annotated[
    Path | None,
    typer.Option(
        "--results",
        metavar="FILE",
        help="Write the outcome of each row to this file when the run ends; replaces the file. A "
        ".jsonl file gets JSON Lines, any other gets CSV.",
    ),
]


@attrs.frozen(eq=False)
class Options:
    """The command's argument and options."""

    file: str
    system: str | None
    mapping: str | None
    mapping_options: Sequence[str]
    groups: Path | None
    existing: Literal["skip", "complete"]
    send_reset: bool
    skip_mistakes: bool
    journal: Path | None
    results: Path | None
    concurrency: int
    rate: float | None
    dry_run: bool
    max_failures: int | None
