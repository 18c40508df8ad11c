"""`monocloud request`: call any API path, like `client.request`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated

import typer

from ..errors import ConfigurationError
from ..response import APIResponse
from .calls import answer_of
from .ending import after_call, exit_codes, fail, show_json
from .inputs import json_value
from .settings import DEFAULT_ATTEMPTS, ApiKeyFile, Domain, MaxAttempts, Timeout, make_client

Verb = Annotated[str, typer.Argument(metavar="METHOD", help="The HTTP method, such as POST.")]
PathTemplate = Annotated[
    str,
    typer.Argument(
        metavar="PATH", help="Path below /api, with ids in braces: '/users/{user_id}/enable'."
    ),
]
Ids = Annotated[
    list[str] | None, typer.Argument(metavar="[IDS]...", help="The ids, in the order of the path.")
]
Parameters = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=VALUE", help="Query parameter (repeatable)."),
]
Body = Annotated[
    str | None, typer.Option(metavar="JSON", help="The body, or - to read standard input.")
]


def request(
    method: Verb,
    path: PathTemplate,
    ids: Ids = None,
    query: Parameters = None,
    body: Body = None,
    domain: Domain = None,
    api_key_file: ApiKeyFile = None,
    timeout: Timeout = None,
    max_attempts: MaxAttempts = DEFAULT_ATTEMPTS,
) -> None:
    """Call any API path and print the JSON response.

    This command never asks for confirmation, even to delete. A request that may change something
    is retried only if the first attempt certainly had no effect.
    """
    with exit_codes():
        client = make_client(domain, api_key_file, timeout, max_attempts)
        content = None if body is None else json_value("--body", body)
        call = client.request(method, path, *ids or (), query=_query(query or ()), body=content)
        response = asyncio.run(answer_of(client, call))
        with after_call():
            _print(response)


def _query(given: Iterable[str]) -> dict[str, str]:
    pairs = [item.partition("=") for item in given]
    found = {name: value for name, _, value in pairs}
    if len(found) < len(pairs) or not all(name and sign for name, sign, _ in pairs):
        raise ConfigurationError("--query must be NAME=VALUE, and each name may be given only once")
    return found


def _print(response: APIResponse) -> None:
    try:
        content = response.json()
    except ValueError:
        fail(f"the call succeeded with status {response.status}, but the response is not JSON")
    if content is not None:
        show_json(content)
