"""Extra headers: those that a caller adds to requests, such as a correlation id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from ..errors import ConfigurationError

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"([\x21-\x7e]([\t\x20-\x7e]*[\x21-\x7e])?)?")
# The client sets these itself, or they are about the connection and not the request.
_RESERVED = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-api-key",
    }
)
_RESERVED_PREFIXES = ("content-", "proxy-")


def checked_headers(given: object) -> dict[str, str]:
    """Return extra headers that can be sent.

    Raises:
        ConfigurationError: one cannot; the message never shows a value, which may be a secret.
    """
    if not isinstance(given, Mapping):
        raise ConfigurationError(
            f"headers must be a mapping of names to values, not {type(given).__name__}"
        )
    headers: dict[str, str] = {}
    for name, value in map(_plain_pair, cast("Mapping[object, object]", given).items()):
        if problem := _problem(name, value):
            raise ConfigurationError(problem)
        headers[cast("str", name)] = cast("str", value)
    return headers


def _plain_pair(pair: tuple[object, object]) -> tuple[object, object]:
    """Return strings as plain ones: a subclass, such as an Enum, may convert to another text."""
    name, value = (str.__str__(part) if isinstance(part, str) else part for part in pair)
    return name, value


def sendable(headers: Mapping[str, str]) -> dict[str, str]:
    """Return those of some headers that can be sent."""
    return {name: value for name, value in headers.items() if not _problem(name, value)}


def _problem(name: object, value: object) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return f"a name in headers must consist of ASCII letters, digits and dashes, not {name!r}"
    if name.lower() in _RESERVED or name.lower().startswith(_RESERVED_PREFIXES):
        return f"headers must not contain {name}: the client sets it, or the connection does"
    if not isinstance(value, str) or not _VALUE.fullmatch(value):
        return (
            f"the value of {name} in headers must be a string of printable ASCII, without line "
            "breaks and without blanks around it"
        )
    return ""
