"""Where a request comes from."""

from __future__ import annotations

from aiohttp import web
from yarl import URL

from .._address import is_loopback


def is_local(request: web.BaseRequest) -> bool:
    """Return whether this machine sent a request, under a name that no DNS can have rebound."""
    return is_loopback(request.remote or "") and is_loopback(named_host(request))


def named_host(request: web.BaseRequest) -> str:
    """Return the host that a request names, without its port; "" if it names none."""
    try:
        return URL(f"http://{request.headers.get('Host', '')}").host or ""
    except ValueError:
        return ""
