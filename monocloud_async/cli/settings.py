"""The options that configure the client: tenant, API key, timeout and retries."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from .._secret import Secret
from .._settings import API_KEY_VARIABLE, DOMAIN_VARIABLE, TIMEOUT_VARIABLE, checked_key
from ..client import MonoCloudClient
from ..errors import ConfigurationError
from ..retry import RetryPolicy
from .descriptors import make_room
from .inputs import file_secret

INSECURE_HTTP_VARIABLE = "MONOCLOUD_ALLOW_INSECURE_HTTP"
DEFAULT_ATTEMPTS = RetryPolicy().max_attempts

Domain = Annotated[
    str | None,
    typer.Option(metavar="DOMAIN", help=f"The tenant's domain. Default: {DOMAIN_VARIABLE}."),
]
# The key itself has no option: every user of the machine can list processes.
ApiKeyFile = Annotated[
    Path | None,
    typer.Option(metavar="PATH", help=f"File that holds the API key. Default: {API_KEY_VARIABLE}."),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help=f"Timeout of one attempt. Default: {TIMEOUT_VARIABLE} (milliseconds), or 10.",
    ),
]
MaxAttempts = Annotated[
    int, typer.Option(metavar="NUMBER", min=1, help="Attempts per call; 1 disables retries.")
]


def make_client(
    domain: Domain = None,
    api_key_file: ApiKeyFile = None,
    timeout: Timeout = None,
    max_attempts: MaxAttempts = DEFAULT_ATTEMPTS,
    *,
    max_connections: int = 100,
) -> MonoCloudClient:
    """Build the client; settings that are None come from the environment.

    Raises:
        ConfigurationError: a setting is missing or invalid; the message names it.
    """
    return MonoCloudClient(
        domain,
        None if api_key_file is None else _read_key(api_key_file),
        timeout=timeout,
        retry=RetryPolicy(max_attempts=max_attempts),
        max_connections=max_connections,
        allow_insecure_http=allows_insecure_http(),
    )


def make_batch_client(
    domain: str | None,
    api_key_file: Path | None,
    timeout: float | None,
    max_attempts: int,
    concurrency: int,
) -> MonoCloudClient:
    """Build the client, with connections and open files for ``concurrency`` calls in flight."""
    make_room(concurrency)
    return make_client(
        domain, api_key_file, timeout, max_attempts, max_connections=max(concurrency, 100)
    )


def allows_insecure_http() -> bool:
    """Return whether the key may go to a named host in the clear, as between containers."""
    value = os.environ.get(INSECURE_HTTP_VARIABLE, "")
    if value not in ("", "0", "1"):
        raise ConfigurationError(f"{INSECURE_HTTP_VARIABLE} must be 1 or 0, not {value!r}")
    return value == "1"


def _read_key(path: Path) -> Secret:
    return checked_key(file_secret(path, "--api-key-file"), f"--api-key-file {path}: the key")
