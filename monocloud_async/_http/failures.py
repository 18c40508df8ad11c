"""Why an exchange failed: in words, by its cause, and what follows from it."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Iterator

import aiohttp

from .._messages import one_line
from ..retry import TRANSIENT
from .connector import SocksError

_NEVER_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
    SocksError,
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


def is_permanent(error: BaseException) -> bool:
    """Return whether it would fail in the same way the next time."""
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
    if isinstance(error, SocksError):
        return one_line(f"no connection through the proxy: {error}", 300)
    if _is_refused_certificate(error):
        return _NO_CERTIFICATE
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the server closed the connection without an answer"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the connection broke off within the answer"
    if isinstance(error, aiohttp.ClientResponseError):
        return one_line(f"the answer is not HTTP: {_QUOTED.sub('', error.message)}", 200)
    what = error.strerror if isinstance(error, OSError) else None
    if type(error) is aiohttp.ClientConnectionError:
        # It has only this class for what it cannot do, such as TLS within TLS on Python 3.10.
        what = str(error)
    return one_line(f"the connection failed: {what or type(error).__name__}", 300)


def cause(error: BaseException | None) -> Exception | None:
    """Return the error of TLS or the operating system behind a failure, or None.

    It is made anew: aiohttp's own hold the request, and any of them a traceback through its frames.
    """
    behind = list(_behind(error))
    for one in behind:
        if isinstance(one, ssl.SSLError):
            return _tls_error(one)
    for one in behind:
        if isinstance(one, OSError) and one.errno is not None:
            kind = socket.gaierror if isinstance(one, socket.gaierror) else OSError
            return kind(one.errno, one_line(one.strerror or "", 300))
    return None


def _behind(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and those that it was made from."""
    one = error
    for _ in range(5):
        if one is None or isinstance(one, asyncio.TimeoutError):
            return
        for name in ("certificate_error", "os_error"):
            inner = getattr(one, name, None)
            if isinstance(inner, Exception):
                yield inner
        yield one
        one = one.__cause__


def _tls_error(error: ssl.SSLError) -> ssl.SSLError:
    untrusted = isinstance(error, ssl.SSLCertVerificationError)
    kind = ssl.SSLCertVerificationError if untrusted else ssl.SSLError
    said = one_line(error.strerror or "", 300)
    made = kind(said) if error.errno is None else kind(error.errno, said)
    for name in ("library", "reason", "verify_code", "verify_message"):
        if isinstance(value := getattr(error, name, None), (str, int)):
            setattr(made, name, value)
    return made


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
