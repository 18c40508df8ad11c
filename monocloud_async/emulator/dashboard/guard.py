"""Access control: only a browser on this machine may use the dashboard, and no other web page."""

from __future__ import annotations

import hmac
import ipaddress

from aiohttp import web

from ..peers import is_local, named_host
from ..problems import ProblemError

# Nobody can register a domain under these, so no outside web page can have such a name.
_PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".test", ".home.arpa")


def refuse_strangers(request: web.BaseRequest, *, open_to_all: bool) -> None:
    """Refuse other machines, host names that DNS rebinding could use, and other web pages.

    Args:
        request: the request.
        open_to_all: whether other machines may use the dashboard too.

    Raises:
        ProblemError: 403 if the request comes from one of these.
    """
    if open_to_all:
        if not _is_private(named_host(request)):
            raise ProblemError(403, "Open this page with an IP address or a private name.")
    elif not is_local(request):
        raise ProblemError(
            403, "This page is for this machine only, unless --open-control opens it."
        )
    if _is_from_elsewhere(request):
        raise ProblemError(403, "Another web page sent this request.")


def refuse_forgeries(request: web.BaseRequest, sent: str, token: str) -> None:
    """Refuse a form that this emulator's page did not send.

    Args:
        request: the request.
        sent: the token in the form.
        token: the token of the page.

    Raises:
        ProblemError: 403 if another page or program sent the form.
    """
    if "Origin" not in request.headers and "Sec-Fetch-Site" not in request.headers:
        raise ProblemError(403, "The form must come from this page; scripts use /_emulator.")
    if not hmac.compare_digest(sent.encode(errors="replace"), token.encode()):
        raise ProblemError(403, "The page is out of date: reload it, and send the form again.")


def _is_from_elsewhere(request: web.BaseRequest) -> bool:
    headers = request.headers
    if "Origin" in headers:
        return headers["Origin"].partition("://")[2] != headers.get("Host")
    if headers.get("Sec-Fetch-Site") in (None, "same-origin", "none"):
        return False
    # Other pages may link to the page, but nothing else.
    return request.method != "GET" or headers.get("Sec-Fetch-Dest") != "document"


def _is_private(name: str) -> bool:
    """Return whether a name is safe from DNS rebinding, which needs a registered domain."""
    if not name:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return "." not in name or name.endswith(_PRIVATE_SUFFIXES)
    return True
