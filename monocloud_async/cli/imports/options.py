"""The options of `monocloud users import`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import attrs
import typer

SYSTEMS = ("auth0", "clerk", "cognito", "firebase", "keycloak", "okta")

Users = Annotated[
    str, typer.Argument(metavar="FILE", help="The file with the users; - is standard input.")
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="SYSTEM",
        help=f"What exported the file: {', '.join(SYSTEMS)}. Without it, the file has import rows.",
    ),
]
Map = Annotated[
    str | None,
    typer.Option(
        "--map",
        metavar="MODULE:FUNCTION",
        help="What makes an import row of a record, instead of the system's own mapping.",
    ),
]
MappingOption = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="NAME=VALUE",
        help="Something that the mapping leaves open, such as hashes=FILE; can be repeated.",
    ),
]
Groups = Annotated[
    Path | None,
    typer.Option(
        "--groups",
        metavar="FILE",
        help="A JSON object with the ids of groups, by the names that the users' file has.",
    ),
]
Existing = Annotated[
    Literal["skip", "complete"],
    typer.Option(
        help="Leave users who exist as they are, or add what they lack; nothing is changed."
    ),
]
SendReset = Annotated[
    bool,
    typer.Option(
        "--send-reset", help="In the end, mail each user that is created a link for a password."
    ),
]
SkipMistakes = Annotated[
    bool,
    typer.Option(
        "--skip-mistakes",
        help="Import the rows that are in order; otherwise a mistake in any row ends it.",
    ),
]
ResultsFile = Annotated[
    Path | None,
    typer.Option(
        "--results",
        metavar="FILE",
        help="Write what became of each row to this file, in the end: CSV, or JSON Lines where "
        "its name ends with .jsonl. It is replaced.",
    ),
]


@attrs.frozen(eq=False)
class Options:
    """What the command is asked for."""

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
