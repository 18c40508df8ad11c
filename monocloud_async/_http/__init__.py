"""The only package that uses aiohttp: requests, responses, and the connections between.

It relies on documented features of aiohttp only, so a new major version of aiohttp does not affect
the code outside this package.
"""

from __future__ import annotations

from .exchange import NoResponse, RawResponse, Request, exchange
from .extra_headers import checked_headers, sendable
from .headers import RequestHeaders
from .proxy import Proxy, proxy_for
from .session import Pool, Sessions, running_loop

__all__ = [
    "NoResponse",
    "Pool",
    "Proxy",
    "RawResponse",
    "Request",
    "RequestHeaders",
    "Sessions",
    "checked_headers",
    "exchange",
    "proxy_for",
    "running_loop",
    "sendable",
]
