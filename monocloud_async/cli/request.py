"""`monocloud request`: any path of the API, as `client.request` calls it."""

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
    typer.Argument(metavar="PATH", help="Below /api, ids in braces: '/users/{user_id}/enable'."),
]
Ids = Annotated[
    list[str] | None, typer.Argument(metavar="[IDS]...", help="The ids, in the path's order.")
]
Parameters = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE", help="A parameter of the query; may be given more than once."
    ),
]
Body = Annotated[str | None, typer.Option(metavar="JSON", help="The body; - reads standard input.")]


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
    """Call any path of the API, and print the JSON that it answers with.

    It does not ask before it deletes. What may change something is sent once only, unless it has
    certainly not been carried out.
    """
    with exit_codes():
        client = make_client(domain, api_key_file, timeout, max_attempts)
        content = None if body is None else json_value("--body", body)
        call = client.request(method, path, *ids or (), query=_query(query or ()), body=content)
        answer = asyncio.run(answer_of(client, call))
        with after_call():
            _print(answer)


def _query(given: Iterable[str]) -> dict[str, str]:
    pairs = [item.partition("=") for item in given]
    found = {name: value for name, _, value in pairs}
    if len(found) < len(pairs) or not all(name and sign for name, sign, _ in pairs):
        raise ConfigurationError("--query: it must be NAME=VALUE, each name once")
    return found


def _print(answer: APIResponse) -> None:
    try:
        content = answer.json()
    except ValueError:
        fail(f"it was done, status {answer.status}, and its answer cannot be read as JSON")
    if content is not None:
        show_json(content)
