"""The commands: their options, and what each one runs."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Annotated

import typer

from .._version import __version__
from .batch.options import (
    BATCH_ATTEMPTS,
    Concurrency,
    IsDryRun,
    JournalFile,
    MaxFailures,
    Rate,
    ResultsFile,
    Rows,
)
from .ending import exit_codes
from .export import options as export
from .imports.declaration import import_users
from .operations import DASHES, MainGroup, written
from .request import request
from .run import run_operation
from .runnable import listing
from .settings import ApiKeyFile, Domain, MaxAttempts, Timeout, make_batch_client

_SETTINGS = (
    "Set the tenant and its API key with MONOCLOUD_MANAGEMENT_DOMAIN and "
    "MONOCLOUD_MANAGEMENT_API_KEY, or with options. MONOCLOUD_ALLOW_INSECURE_HTTP=1 allows "
    "plain http:// to hosts other than this machine, such as an emulator in a container."
)
_EXIT_CODES = (
    "Exit codes: 0 success; 1 the API refused the call or could not be reached; 2 usage or "
    "settings error, or not confirmed (nothing was sent); 130 interrupted."
)
_BATCH_EXIT_CODES = (
    "Exit codes: 0 success; 1 rows failed, or the run was stopped; 2 error in the file, usage or "
    "settings (nothing was sent); 130 interrupted; 143 terminated."
)
_EXPORT_EXIT_CODES = (
    "Exit codes: 0 success; 1 some users could not be read, or the export was stopped; 2 usage or "
    "settings error (nothing was sent); 130 interrupted; 143 terminated. If the reader of a pipe "
    "closes it early, as head does, the export ends by SIGPIPE (141 in a shell)."
)
_FAULTS = (
    "What a fault does: status, headers, problem, delay, body_delay, drip, body, connection, "
    "outage and executed. Which requests it hits: operation, user_id, after, every, probability, "
    "seed and times. See: python -m pydoc monocloud_async.emulator.Fault"
)
# Plain help and errors: Rich's frames break up text that people copy or search for.
_PLAIN = None

app: typer.Typer = typer.Typer(
    name="monocloud",
    cls=MainGroup,
    help=f"Work with MonoCloud's Users API from the command line.\n\n{_SETTINGS}\n\n{_EXIT_CODES}",
    no_args_is_help=True,
    rich_markup_mode=_PLAIN,
    # Rich's tracebacks print local variables, and the API key is one.
    pretty_exceptions_enable=False,
)
app.command("request", epilog=DASHES)(request)

Seed = Annotated[
    Path | None,
    typer.Option(metavar="SEED.JSON", help="Initial users. Default: two sample users."),
]
Faults = Annotated[
    list[str] | None,
    typer.Option(
        "--fault",
        metavar="JSON|FILE",
        help='Fault to inject, such as \'{"status": 503, "every": 20}\', or a file with one fault '
        "or a list (repeatable).",
    ),
]
Limit = Annotated[
    str | None,
    typer.Option(
        "--rate-limit",
        metavar="LIMIT",
        help="Respond with 429 above this rate: '200/s burst 20', '60/min', '1000/h', or JSON.",
    ),
]
Journal = Annotated[int, typer.Option(min=0, help="How many recent requests to keep.")]
Host = Annotated[
    str,
    typer.Option(
        metavar="ADDRESS",
        help="Address to listen on. With 0.0.0.0, as in a container, other machines can connect.",
    ),
]
Tls = Annotated[
    bool,
    typer.Option("--tls", help="Serve https with a generated certificate (needs the extra tls)."),
]
OpenControl = Annotated[
    bool,
    typer.Option(
        "--open-control", help="Let other machines use the page and /_emulator, without a key."
    ),
]
Log = Annotated[bool, typer.Option(help="Print a line for each request.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"monocloud {__version__}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
    ),
]


@app.callback()
def _options(version: Version = False) -> None:  # pyright: ignore[reportUnusedFunction]
    """Handle the options that come before a command."""


@written("phones", "set-primary-many", epilog=_BATCH_EXIT_CODES)
@exit_codes()
def set_primary_phones(
    rows: Rows,
    journal: JournalFile = None,
    results: ResultsFile = None,
    concurrency: Concurrency = 32,
    rate: Rate = None,
    dry_run: IsDryRun = False,
    max_failures: MaxFailures = None,
    domain: Domain = None,
    api_key_file: ApiKeyFile = None,
    timeout: Timeout = None,
    max_attempts: MaxAttempts = BATCH_ATTEMPTS,
) -> None:
    """Set the primary phone of many users, from a file.

    The file is CSV (comma, semicolon or tab) with a header, or JSON Lines. Each row has user_id and
    identifier_id, or user_id and phone (an E.164 number, which is looked up first). Other columns
    are ignored. The whole file is checked before anything is sent. Rows of the same user are sent
    in file order, so the last one wins.
    """
    # Imported here because SQLite and the rest would slow down the other commands.
    from .batch.command import carry_out
    from .batch.job import Options
    from .batch.phones_job import PhonesJob

    client = make_batch_client(domain, api_key_file, timeout, max_attempts, concurrency)
    options = Options(rows, journal, results, concurrency, rate, dry_run, max_failures)
    carry_out(PhonesJob(client, options))


app.command("run", epilog=f"{listing()}\n\n{_BATCH_EXIT_CODES}")(run_operation)
written("users", "import", epilog=_BATCH_EXIT_CODES)(import_users)


@written("users", "export", epilog=_EXPORT_EXIT_CODES)
@exit_codes()
def export_all_users(
    file: export.File = "-",
    format: export.Form = None,  # noqa: A002  (the option's name)
    columns: export.Columns = None,
    details: export.Details = True,
    groups: export.Groups = False,
    filter: export.Filter = None,  # noqa: A002  (the API's name)
    journal: export.JournalFile = None,
    concurrency: Concurrency = 32,
    rate: Rate = None,
    max_failures: export.MaxFailures = None,
    domain: Domain = None,
    api_key_file: ApiKeyFile = None,
    timeout: Timeout = None,
    max_attempts: MaxAttempts = BATCH_ATTEMPTS,
) -> None:
    """Export all users to a file, as JSON Lines, CSV or Parquet.

    Each line is one user as the API returns it, plus read_at, the time of reading in seconds since
    1970. Users may be added and removed during the export: every user who exists throughout is
    written exactly once. The API never returns passwords, so the file has none.
    """
    from .export.command import Options, export_users

    client = make_batch_client(domain, api_key_file, timeout, max_attempts, concurrency)
    options = Options(
        file, format, columns, details, groups, filter, journal, concurrency, rate, max_failures
    )
    export_users(client, options)


@app.command("emulator", epilog=_FAULTS)
@exit_codes()
def run_emulator(
    port: Port = 8080,
    seed: Seed = None,
    fault: Faults = None,
    rate_limit: Limit = None,
    journal: Journal = 10_000,
    host: Host = "127.0.0.1",
    tls: Tls = False,
    open_control: OpenControl = False,
    log: Log = True,
) -> None:
    """Run a local MonoCloud for testing, until Ctrl-C.

    Programs on this machine can change the faults and the rate limit while it runs, through the
    path /_emulator.
    """
    # Imported here because the web server would slow down the other commands.
    from .serve import build_emulator, serve

    # Windows has no signal handlers on the loop, so Ctrl-C arrives as KeyboardInterrupt.
    with contextlib.suppress(KeyboardInterrupt):
        options = (seed, port, fault or (), rate_limit, journal, host)
        asyncio.run(serve(build_emulator(*options, tls=tls, open_control=open_control), log=log))


@app.command("demo")
@exit_codes()
def run_demo() -> None:
    """Tour the SDK on a local emulator: calls, a broken connection, a killed import."""
    from .demo import demo

    asyncio.run(demo())
