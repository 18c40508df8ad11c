"""The commands: what each takes, and which call it makes."""

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
    Fixed,
    Ignored,
    IsDryRun,
    JournalFile,
    MaxFailures,
    Null,
    OnlyChecks,
    OperationName,
    Rate,
    ResultsFile,
    ResultsOfCalls,
    RetryUnknown,
    Rows,
    ShowSecrets,
    Yes,
)
from .ending import exit_codes
from .export import options as export
from .imports.declaration import import_users
from .operations import DASHES, MainGroup, written
from .request import request
from .runnable import find, listing
from .settings import ApiKeyFile, Domain, MaxAttempts, Timeout, make_batch_client

_SETTINGS = (
    "The tenant and its API key come from MONOCLOUD_MANAGEMENT_DOMAIN and "
    "MONOCLOUD_MANAGEMENT_API_KEY, or from the options. MONOCLOUD_ALLOW_INSECURE_HTTP=1 allows "
    "plain http:// to hosts other than this machine, such as an emulator in a container."
)
_EXIT_CODES = (
    "Exit codes: 0 done; 1 the API or the network said no; 2 wrong usage or settings, or not "
    "confirmed, and nothing was sent; 130 interrupted."
)
_BATCH_EXIT_CODES = (
    "Exit codes: 0 nothing failed; 1 rows failed, or the run was stopped; 2 a mistake in the file, "
    "in the usage or in the settings, and nothing was sent; 130 interrupted; 143 terminated."
)
_EXPORT_EXIT_CODES = (
    "Exit codes: 0 all users were exported; 1 some could not be read, or the export was stopped; "
    "2 a mistake in the usage or in the settings, and nothing was sent; 130 interrupted; "
    "143 terminated."
)
_FAULTS = (
    "A fault says what goes wrong, by status, headers, problem, delay, body_delay, drip, body, "
    "connection, outage and executed, and with which requests, by operation, user_id, after, "
    "every, probability, seed and times: python -m pydoc monocloud_async.emulator.Fault"
)
# Plain help and errors: in a frame, what is meant to be copied or searched for gets broken up.
_PLAIN = None

app: typer.Typer = typer.Typer(
    name="monocloud",
    cls=MainGroup,
    help=f"MonoCloud's Users API on the command line.\n\n{_SETTINGS}\n\n{_EXIT_CODES}",
    no_args_is_help=True,
    rich_markup_mode=_PLAIN,
    # They would show the API key, which is a local variable of what fails.
    pretty_exceptions_enable=False,
)
app.command("request", epilog=DASHES)(request)

Seed = Annotated[
    Path | None,
    typer.Option(metavar="SEED.JSON", help="What to begin with; otherwise two made-up users."),
]
Faults = Annotated[
    list[str] | None,
    typer.Option(
        "--fault",
        metavar="JSON|FILE",
        help='What goes wrong, such as \'{"status": 503, "every": 20}\', or a file with one or '
        "a list of them; may be given more than once.",
    ),
]
Limit = Annotated[
    str | None,
    typer.Option(
        "--rate-limit",
        metavar="LIMIT",
        help="How many calls are served: '200/s burst 20', '60/min', '1000/h', or JSON; others "
        "get 429.",
    ),
]
Journal = Annotated[int, typer.Option(min=0, help="How many of the last requests to keep.")]
Host = Annotated[
    str,
    typer.Option(
        metavar="ADDRESS",
        help="Where to listen, such as 0.0.0.0 in a container: other machines can reach it then.",
    ),
]
Tls = Annotated[
    bool,
    typer.Option("--tls", help="Speak https, with a certificate made on the spot (extra: tls)."),
]
OpenControl = Annotated[
    bool,
    typer.Option(
        "--open-control", help="Let other machines use the page and /_emulator, which have no key."
    ),
]
Log = Annotated[bool, typer.Option(help="Print a line for each request.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; 0 picks a free port.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"monocloud {__version__}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version."),
]


@app.callback()
def _options(version: Version = False) -> None:  # pyright: ignore[reportUnusedFunction]
    """Take the options that stand before a command."""


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
    """Make many phones their users' primary ones, as a file of rows says.

    The file is CSV (comma, semicolon or tab) with a header, or JSON Lines. Its columns are user_id
    and identifier_id; or user_id and phone, a number in E.164, which is looked up first. Others are
    passed over. The whole file is checked before anything is sent. Rows of one user are done in
    their order, so that the last one wins.
    """
    # It brings SQLite and more, which the other commands need not wait for.
    from .batch.command import carry_out
    from .batch.job import Options
    from .batch.phones_job import PhonesJob

    client = make_batch_client(domain, api_key_file, timeout, max_attempts, concurrency)
    options = Options(rows, journal, results, concurrency, rate, dry_run, max_failures)
    carry_out(PhonesJob(client, options))


@app.command("run", epilog=f"{listing()}\n\n{_BATCH_EXIT_CODES}")
@exit_codes()
def run_operation(
    operation: OperationName,
    rows: Rows,
    journal: JournalFile = None,
    results: ResultsOfCalls = None,
    concurrency: Concurrency = 32,
    rate: Rate = None,
    dry_run: OnlyChecks = False,
    max_failures: MaxFailures = None,
    fixed: Fixed = None,
    null: Null = None,
    ignored: Ignored = None,
    retry_unknown: RetryUnknown = False,
    show_secrets: ShowSecrets = False,
    yes: Yes = False,
    domain: Domain = None,
    api_key_file: ApiKeyFile = None,
    timeout: Timeout = None,
    max_attempts: MaxAttempts = BATCH_ATTEMPTS,
) -> None:
    """Carry out an operation for each row of a file.

    The file is CSV with a header, or JSON Lines; its columns are named as the operation's
    arguments. The whole file is checked before anything is sent. Rows of one user are done in
    their order.
    """
    from .batch.call_job import CallJob, CallOptions
    from .batch.command import carry_out
    from .batch.job import Options

    runnable = find(operation)
    client = make_batch_client(domain, api_key_file, timeout, max_attempts, concurrency)
    options = Options(rows, journal, results, concurrency, rate, dry_run, max_failures)
    more = CallOptions(fixed or (), null, ignored or (), yes, retry_unknown, show_secrets)
    carry_out(CallJob(client, options, runnable, more))


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
    """Write every user to a file, as JSON Lines, CSV or Parquet.

    Each line is a user as the API sends it, and read_at, the time when that was, in seconds since
    1970. Others may add and remove users meanwhile: every user who stays is written once.
    Passwords are never sent by the API, and are not there.
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
    """Serve a local MonoCloud to try things on, until Ctrl-C.

    What goes wrong, and how much is served, can also be changed while it runs, by programs of
    this machine, at its path /_emulator.
    """
    # Its web server takes a while to import, which the other commands need not wait for.
    from .serve import made, serve

    # Windows has no handler for it, so that Ctrl-C arrives as an error there: it is the end.
    with contextlib.suppress(KeyboardInterrupt):
        options = (seed, port, fault or (), rate_limit, journal, host)
        asyncio.run(serve(made(*options, tls=tls, open_control=open_control), log=log))


@app.command("demo")
@exit_codes()
def run_demo() -> None:
    """Set a phone in three ways and run a batch, on a local MonoCloud that starts by itself."""
    from .demo import demo

    asyncio.run(demo())
