"""The only folder that knows aiohttp: requests out, responses in, and the connections between.

Nothing here relies on more of aiohttp than its documentation names, so that its next major
version changes nothing above this folder.
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
