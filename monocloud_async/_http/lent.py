"""A session of the caller's: what it is set up with goes on working, where it cannot hurt a call.

The calls go through a twin on the same connections, so that theirs are ours to watch. Kept are its
cookies, default headers, traces, middlewares, authorization, proxies, TLS settings, HTTP version,
limits of what it reads, and classes. Left out is what would change the meaning of a call: its JSON
encoder, timeout, redirects, decompression and ``raise_for_status``.
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

# What every session is set up with that our calls go through.
FOR_CALLS: Final[Mapping[str, Any]] = {
    "auto_decompress": False,
    "raise_for_status": False,
    # The time limit is ours alone: aiohttp's would count the wait for a connection too.
    "timeout": aiohttp.ClientTimeout(total=None, sock_connect=None),
}
_PUBLIC = ("auth", "cookie_jar", "skip_auto_headers")
# aiohttp has no public names to read these by; one that it renames is left at its default.
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
# Headers that say what a body is, or how it is sent: ours has its own, and most calls have none.
_OF_BODIES = ("transfer-encoding", "expect", "trailer")


def twin_of(
    lent: aiohttp.ClientSession, *, secure: bool, direct: bool
) -> tuple[aiohttp.ClientSession, LentConnector]:
    """Return a session that is set up as a lent one is, on the same connections, and its connector.

    Args:
        lent: the caller's session.
        secure: whether the calls go over TLS.
        direct: whether no proxy is wanted, not even the session's.

    Raises:
        ConfigurationError: the session belongs to another event loop.
    """
    loop = asyncio.get_running_loop()
    traces = [*lent.trace_configs, noting_new_connections()]
    with warnings.catch_warnings():
        # Some of it is deprecated, which is between aiohttp and the caller.
        warnings.simplefilter("ignore", DeprecationWarning)
        if lent.connector is None or getattr(lent, "loop", loop) is not loop:
            raise _elsewhere()
        connector = LentConnector(lent.connector, loop)
        in_front: Any = connector
        try:
            twin = aiohttp.ClientSession(
                connector=in_front,
                connector_owner=False,
                trace_configs=traces,
                # Without TLS, a proxy of the environment would get to see the API key.
                trust_env=lent.trust_env and secure and not direct,
                **FOR_CALLS,
                **_settings(lent, direct=direct),
            )
        except RuntimeError:
            # So that aiohttp does not complain of what it made half.
            connector.abandon()
            raise _elsewhere() from None
    # What instruments every session has done so with the lent one, and would count calls twice.
    twin.trace_configs[:] = traces
    return twin, connector


def headers_for(lent: aiohttp.ClientSession, ours: CIMultiDict[str]) -> CIMultiDict[str]:
    """Return the headers of a request: the session's as they are now, ours before them."""
    merged: CIMultiDict[str] = CIMultiDict(
        (name, value) for name, value in lent.headers.items() if not _is_of_body(name.lower())
    )
    merged.update(ours)
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


def _elsewhere() -> ConfigurationError:
    # Its connections would answer to the other loop; after a fork, even to the parent process.
    return ConfigurationError(
        "the session given belongs to another event loop, or to the process before a fork: "
        "give one made here, or none; nothing was sent"
    )
