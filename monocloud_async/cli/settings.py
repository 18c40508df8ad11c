"""The options that say which tenant to call and how, and the client that they make."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Annotated

import typer

from .._secret import Secret
from .._settings import API_KEY_VARIABLE, DOMAIN_VARIABLE, TIMEOUT_VARIABLE, checked_key
from ..client import MonoCloudClient
from ..errors import ConfigurationError
from ..retry import RetryPolicy

DEFAULT_ATTEMPTS = RetryPolicy().max_attempts

Domain = Annotated[
    str | None,
    typer.Option(metavar="DOMAIN", help=f"The tenant's domain; otherwise {DOMAIN_VARIABLE}."),
]
# There is no option for the key itself: every user of the machine can list processes.
ApiKeyFile = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH", help=f"A file that holds the API key; otherwise {API_KEY_VARIABLE}."
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help=f"The limit of one attempt; otherwise {TIMEOUT_VARIABLE} (milliseconds), or 10.",
    ),
]
MaxAttempts = Annotated[
    int, typer.Option(metavar="NUMBER", min=1, help="How often to try in all; 1 never repeats.")
]


def make_client(
    domain: str | None,
    api_key_file: Path | None,
    timeout: float | None,
    max_attempts: int,
    *,
    max_connections: int = 100,
) -> MonoCloudClient:
    """Return the client for some options; what is None comes from the environment.

    Raises:
        ConfigurationError: a setting is missing or cannot work; the message names it.
    """
    return MonoCloudClient(
        domain,
        None if api_key_file is None else _read_key(api_key_file),
        timeout=timeout,
        retry=RetryPolicy(max_attempts=max_attempts),
        max_connections=max_connections,
    )


def _read_key(path: Path) -> Secret:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"--api-key-file {path}: {error.strerror}") from None
    # Editors on Windows put a byte order mark before it.
    content = content.removeprefix(codecs.BOM_UTF8)
    # A codec's error would hold on to what the file holds, wherever it is raised from.
    key = Secret(content.decode(errors="replace").replace("\r\n", "\n").removesuffix("\n"))
    del content
    if "\ufffd" in key:
        raise ConfigurationError(f"--api-key-file {path}: it is not text")
    if not key:
        raise ConfigurationError(f"--api-key-file {path}: it is empty")
    return checked_key(key, f"--api-key-file {path}: the key")
