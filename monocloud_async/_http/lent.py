"""A caller's own session: its settings stay in effect as far as they cannot break a call.

Calls go through a twin session on the same connections, so that the SDK can watch them. The twin
keeps the session's cookies, default headers, traces, middlewares, authorization, proxies, TLS
settings, HTTP version, read limits and classes. It drops what would change the meaning of a call:
the JSON encoder, timeout, redirects, decompression and ``raise_for_status``.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from multidict import CIMultiDict

from ..errors import ConfigurationError
from .connector import LentConnector, noting_new_connections

# The settings of every session that the SDK's calls go through.
FOR_CALLS: Final[Mapping[str, Any]] = {
    "auto_decompress": False,
    "raise_for_status": False,
    # The SDK has its own time limit; aiohttp's would include the wait for a connection.
    "timeout": aiohttp.ClientTimeout(total=None, sock_connect=None),
}
_PUBLIC = ("auth", "cookie_jar", "skip_auto_headers")
# aiohttp has no public names for these. If it renames one, the twin uses its default.
_PRIVATE = (
    "base_url",  # where its authorization may go
    "max_field_size",
    "max_headers",
    "max_line_size",
    "middlewares",
    "read_bufsize",
    "request_class",
    "response_class",
    "version",
)
_PRIVATE_DEFAULTS = ("proxy", "proxy_auth", "ssl")
# Headers that describe a body: the SDK sets its own, and most calls have no body.
_OF_BODIES = ("transfer-encoding", "expect", "trailer")


def twin_of(
    lent: aiohttp.ClientSession, *, secure: bool, direct: bool
) -> tuple[aiohttp.ClientSession, LentConnector]:
    """Return a twin of a caller's session on the same connections, and its connector.

    Args:
        lent: the caller's session.
        secure: whether the calls use TLS.
        direct: whether to use no proxy, not even the session's.

    Raises:
        ConfigurationError: the session belongs to another event loop.
    """
    loop = asyncio.get_running_loop()
    traces = [*lent.trace_configs, noting_new_connections()]
    with warnings.catch_warnings():
        # Deprecated settings are between aiohttp and the caller.
        warnings.simplefilter("ignore", DeprecationWarning)
        if lent.connector is None or getattr(lent, "loop", loop) is not loop:
            raise _wrong_loop()
        connector = LentConnector(lent.connector, loop)
        in_front: Any = connector
        try:
            twin = aiohttp.ClientSession(
                connector=in_front,
                connector_owner=False,
                trace_configs=traces,
                # Without TLS, a proxy from the environment would see the API key.
                trust_env=lent.trust_env and secure and not direct,
                **FOR_CALLS,
                **_settings(lent, direct=direct),
            )
        except RuntimeError:
            # Otherwise aiohttp would warn about the half-built session.
            connector.abandon()
            raise _wrong_loop() from None
    # Instrumentation of every session has already reached the caller's, and would count twice.
    twin.trace_configs[:] = traces
    return twin, connector


def headers_for(lent: aiohttp.ClientSession, fields: CIMultiDict[str]) -> CIMultiDict[str]:
    """Return the headers of a request: the session's current ones, overridden by the SDK's."""
    merged: CIMultiDict[str] = CIMultiDict(
        (name, value) for name, value in lent.headers.items() if not _is_of_body(name.lower())
    )
    merged.update(fields)
    return merged


def _is_of_body(name: str) -> bool:
    return name.startswith("content-") or name in _OF_BODIES


def _settings(lent: aiohttp.ClientSession, *, direct: bool) -> dict[str, Any]:
    places = {name: name for name in _PUBLIC}
    places |= {name: f"_{name}" for name in _PRIVATE}
    places |= {name: f"_default_{name}" for name in _PRIVATE_DEFAULTS}
    if direct:
        del places["proxy"], places["proxy_auth"]
    return {name: getattr(lent, at) for name, at in places.items() if hasattr(lent, at)}


def _wrong_loop() -> ConfigurationError:
    # Its connections belong to the other loop or, after a fork, to the parent process.
    return ConfigurationError(
        "the session passed to the client belongs to another event loop or, after a fork, to the "
        "parent process; nothing was sent: create one here, or pass none"
    )
