"""The answer that a record came in, and its headers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from ._json import parse
from ._messages import one_line

_SECRET_HEADERS = frozenset({"x-api-key", "authorization", "set-cookie", "cookie"})
# None of these is documented; the first that an answer carries is taken.
_TRACE_HEADERS = ("traceparent", "x-trace-id", "x-request-id", "x-correlation-id")


class Headers(Mapping[str, str]):
    """The headers of an answer: names in any case, repeated ones joined by a comma.

    Args:
        items: the names and values as they came; a name may be repeated.
    """

    __slots__ = ("_came", "_joined")

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._came = items
        self._joined: dict[str, str] | None = None

    @property
    def _items(self) -> dict[str, str]:
        """The headers, put in order when first asked for: hardly any call does."""
        if self._joined is None:
            self._joined, self._came = _join(self._came), ()
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
    """The answer that a record came in.

    Attributes:
        status: the HTTP status.
        headers: the answer's headers.
        attempts: how many times the call was tried; 1 where nothing went wrong.
        elapsed: seconds from the call to the answer, waits between attempts included.
    """

    status: int
    headers: Headers
    attempts: int
    elapsed: float

    @property
    def trace_id(self) -> str | None:
        """The server's name for this exchange, if it gave one."""
        return trace_id_of(self.headers)


@attrs.frozen(kw_only=True)
class APIResponse(Response):
    """An answer with its content, as ``client.request`` returns it.

    Attributes:
        body: the content, decompressed.
    """

    body: bytes = attrs.field(repr=False)

    def json(self) -> Any:
        """Return the JSON that it holds; None where it is empty.

        Raises:
            ValueError: it does not hold JSON.
        """
        return parse(self.body) if self.body.strip() else None


def trace_id_of(headers: Mapping[str, str]) -> str | None:
    """Return the server's name for an exchange, read from its answer's headers."""
    for name in _TRACE_HEADERS:
        if found := headers.get(name):
            return one_line(found)
    return None
