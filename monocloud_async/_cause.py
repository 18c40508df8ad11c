"""Why an exchange failed, in words, and what follows from that."""

from __future__ import annotations

import asyncio
import re
import ssl

import aiohttp

from ._connector import SpoiledError
from ._wording import one_line
from .retry import TRANSIENT

_NEVER_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
    SpoiledError,
)
_CLOSED = (aiohttp.ServerDisconnectedError, OSError)
# Where aiohttp's words end and the server's bytes begin: they may be of a person, or the key.
_QUOTED = re.compile(r":?\s*(bytearray\()?b?['\"].*", re.DOTALL)
_NO_CERTIFICATE = "the server wants a certificate that it knows: give an ssl_context= with one"
_NO_CREDENTIALS = (
    "the proxy wants a user and password: give them in its URL, http://user:password@…"
)


def never_arrived(error: BaseException) -> bool:
    """Return whether the server has certainly not seen any of the request."""
    return isinstance(error, _NEVER_SENT) or _is_refused_certificate(error)


def was_closed(error: BaseException) -> bool:
    """Return whether the connection turned out to be closed, as one does that was kept too long."""
    # A timeout is an OSError too, since Python 3.11.
    return isinstance(error, _CLOSED) and not isinstance(error, asyncio.TimeoutError)


def is_lasting(error: BaseException) -> bool:
    """Return whether it would be just the same the next time."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return error.status not in TRANSIENT
    untrusted = isinstance(error, aiohttp.ClientConnectorCertificateError)
    return untrusted or _is_refused_certificate(error)


def reason(error: BaseException) -> str:
    """Return what went wrong; aiohttp's own text may hold the request's headers."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return _NO_CREDENTIALS if error.status == 407 else f"the proxy refused ({error.status})"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return one_line(_untrusted(error))
    if isinstance(error, aiohttp.ClientConnectorError):
        return one_line(_no_connection(error))
    if _is_refused_certificate(error):
        return _NO_CERTIFICATE
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the server closed the connection without an answer"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the connection broke off within the answer"
    if isinstance(error, aiohttp.ClientResponseError):
        return one_line(f"the answer is not HTTP: {_QUOTED.sub('', error.message)}", 200)
    what = error.strerror if isinstance(error, OSError) else None
    if type(error) in (aiohttp.ClientConnectionError, SpoiledError):
        # It has only this class for what it cannot do, such as TLS within TLS on Python 3.10.
        what = str(error)
    return one_line(f"the connection failed: {what or type(error).__name__}", 300)


def _untrusted(error: aiohttp.ClientConnectorCertificateError) -> str:
    why = getattr(error.certificate_error, "verify_message", "") or error.certificate_error
    return (
        f"the certificate of {error.host}:{error.port} is not trusted ({str(why).rstrip('.')}), so "
        "nothing was sent: check the domain, or give an ssl_context= that trusts it"
    )


def _no_connection(error: aiohttp.ClientConnectorError) -> str:
    # A connection that ends within the handshake has an error without a text.
    why = f"{error.os_error}" or "it was closed during the handshake"
    what, place = "connection", f"{error.host}:{error.port}"
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        what = "TLS connection"
    elif isinstance(error, aiohttp.ClientProxyConnectionError):
        place = f"the proxy {place}"
    return f"no {what} to {place}: {why}"


def _is_refused_certificate(error: BaseException) -> bool:
    """Return whether the server ended the handshake for want of a certificate that it trusts.

    Under TLS 1.3 the client learns that only once it has sent its request, which the server does
    not read then.
    """
    cause = error.__cause__
    said = (cause.reason or "") if isinstance(cause, ssl.SSLError) else ""
    return "ALERT" in said and ("CERTIFICATE" in said or "UNKNOWN_CA" in said)
