"""HTTP responses and their headers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from ._json import parse
from ._messages import one_line

_SECRET_HEADERS = frozenset({"x-api-key", "authorization", "set-cookie", "cookie"})
# The API documents none of these; the first one present is used.
_TRACE_HEADERS = ("traceparent", "x-trace-id", "x-request-id", "x-correlation-id")


class Headers(Mapping[str, str]):
    """Response headers: case-insensitive, with repeated headers joined by a comma.

    Args:
        items: the names and values as received; names may repeat.
    """

    __slots__ = ("_joined", "_received")

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._received = items
        self._joined: dict[str, str] | None = None

    @property
    def _items(self) -> dict[str, str]:
        """The joined headers, built on first access because few calls look at them."""
        if self._joined is None:
            self._joined, self._received = _join(self._received), ()
        return self._joined

    def __getitem__(self, name: str) -> str:
        return self._items[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        shown = {k: "***" if k in _SECRET_HEADERS else v for k, v in self._items.items()}
        return f"Headers({shown})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Headers, (tuple(self._items.items()),)


def _join(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in items:
        key = name.lower()
        joined[key] = f"{joined[key]}, {value}" if key in joined else value
    return joined


@attrs.frozen(kw_only=True)
class Response:
    """The HTTP response that carried a record.

    Attributes:
        status: the HTTP status.
        headers: the response headers.
        attempts: the number of attempts; 1 if the first one succeeded.
        elapsed: seconds from the start of the call to the response, including retries and waits.
    """

    status: int
    headers: Headers
    attempts: int
    elapsed: float

    @property
    def trace_id(self) -> str | None:
        """The server's trace id of the request, if it sent one."""
        return trace_id_of(self.headers)


@attrs.frozen(kw_only=True)
class APIResponse(Response):
    """An HTTP response with its body, as ``client.request`` returns it.

    Attributes:
        body: the decompressed body.
    """

    body: bytes = attrs.field(repr=False)

    def json(self) -> Any:
        """Return the body parsed as JSON, or None if it is empty.

        Raises:
            ValueError: the body is not JSON.
        """
        return parse(self.body) if self.body.strip() else None


def trace_id_of(headers: Mapping[str, str]) -> str | None:
    """Return the server's trace id of a request from the response headers, or None."""
    for name in _TRACE_HEADERS:
        if found := headers.get(name):
            return one_line(found)
    return None
