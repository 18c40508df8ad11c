"""The URL of a call: the tenant's origin, the operation's path with its ids, and the query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from yarl import URL

from .._arguments import text
from .._operation import Operation
from ..errors import InvalidArgumentError

Query = Mapping[str, str | int | bool | None]


def url_of(
    origin: URL, operation: Operation[Any], ids: tuple[str, ...], query: Query | None
) -> URL:
    """Return the URL of a call.

    Args:
        origin: the tenant's origin.
        operation: the operation.
        ids: the ids of its path, in order.
        query: the query parameters; those that are None are left out.

    Raises:
        InvalidArgumentError: an id or a parameter cannot be sent.
    """
    url = origin.with_path(operation.address(*ids), encoded=True)
    text = _query_string(query) if query else ""
    return URL(f"{url}?{text}", encoded=True) if text else url


def _query_string(query: Query) -> str:
    if not isinstance(query, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidArgumentError(
            f"query must be a mapping, not {type(query).__name__}; nothing was sent"
        )
    parameters = {
        text("a name in query", name): _parameter(name, value)
        for name, value in query.items()
        if value is not None
    }
    return urlencode(parameters, quote_via=quote, safe="", errors="strict")


def _parameter(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            found = "a string with lone surrogates"
        else:
            return str(value)
    else:
        found = type(value).__name__
    raise InvalidArgumentError(
        f"{name} must be a string, a whole number, True, False or None, not {found}; "
        "nothing was sent"
    )
