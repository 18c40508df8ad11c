"""The arguments of `monocloud users import`."""

from __future__ import annotations

from ..batch.options import (
    BATCH_ATTEMPTS,
    Concurrency,
    IsDryRun,
    JournalFile,
    MaxFailures,
    Rate,
)
from ..ending import exit_codes
from ..settings import ApiKeyFile, Domain, MaxAttempts, Timeout, make_batch_client
from .options import (
    Existing,
    From,
    Groups,
    Map,
    MappingOption,
    Options,
    ResultsFile,
    SendReset,
    SkipMistakes,
    Users,
)


@exit_codes()
def import_users(
    file: Users,
    system: From = None,
    mapping: Map = None,
    option: MappingOption = None,
    groups: Groups = None,
    existing: Existing = "skip",
    send_reset: SendReset = False,
    skip_mistakes: SkipMistakes = False,
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
    """Import users from a file, each exactly once.

    The file is CSV with a header, or JSON Lines. Its columns have the API's names, such as email,
    password_hash and claims.locale; docs/import.md lists them. The whole file is checked before
    anything is sent. With --dry-run, existing users are looked up as well.
    """
    # Imported here because SQLite and the rest would slow down the other commands.
    from . import command

    client = make_batch_client(domain, api_key_file, timeout, max_attempts, concurrency)
    command.import_users(
        client,
        Options(
            file,
            system,
            mapping,
            option or (),
            groups,
            existing,
            send_reset,
            skip_mistakes,
            journal,
            results,
            concurrency,
            rate,
            dry_run,
            max_failures,
        ),
    )
