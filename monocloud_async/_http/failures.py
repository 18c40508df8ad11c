"""Classifies failed exchanges: a readable reason, the cause, and what follows from it."""

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
# Where aiohttp's message starts to quote the server, which may reveal personal data or the key.
_QUOTED = re.compile(r":?\s*(bytearray\()?b?['\"].*", re.DOTALL)
_NO_CERTIFICATE = (
    "the server requires a client certificate: pass an ssl_context= with one that it trusts"
)
_NO_CREDENTIALS = (
    "the proxy requires a user and password: put them in its URL, http://user:password@…"
)


def never_arrived(error: BaseException) -> bool:
    """Return whether the server has certainly not seen any of the request."""
    return isinstance(error, _NEVER_SENT) or _is_refused_certificate(error)


def was_closed(error: BaseException) -> bool:
    """Return whether a kept-alive connection turned out to be closed."""
    # Since Python 3.11, a timeout is an OSError too.
    return isinstance(error, _CLOSED) and not isinstance(error, asyncio.TimeoutError)


def is_permanent(error: BaseException) -> bool:
    """Return whether a retry would fail the same way."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return error.status not in TRANSIENT
    untrusted = isinstance(error, aiohttp.ClientConnectorCertificateError)
    return untrusted or _is_refused_certificate(error)


def reason(error: BaseException) -> str:
    """Return a readable reason, without aiohttp's own text, which may contain request headers."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return (
            _NO_CREDENTIALS
            if error.status == 407
            else f"the proxy refused the connection ({error.status})"
        )
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return one_line(_untrusted(error))
    if isinstance(error, aiohttp.ClientConnectorError):
        return one_line(_no_connection(error))
    if isinstance(error, SocksError):
        return one_line(f"no connection through the proxy: {error}", 300)
    if _is_refused_certificate(error):
        return _NO_CERTIFICATE
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the server closed the connection without a response"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the connection broke in the middle of the response"
    if isinstance(error, aiohttp.ClientResponseError):
        return one_line(f"the response is not HTTP: {_QUOTED.sub('', error.message)}", 200)
    detail = error.strerror if isinstance(error, OSError) else None
    if type(error) is aiohttp.ClientConnectionError:
        # aiohttp raises this class for what it does not support, such as TLS in TLS on Python 3.10.
        detail = str(error)
    return one_line(f"the connection failed: {detail or type(error).__name__}", 300)


def cause(error: BaseException | None) -> Exception | None:
    """Return the underlying error of TLS or the operating system, or None.

    It is a copy, because aiohttp's errors hold the request, and tracebacks hold its frames.
    """
    behind = list(_behind(error))
    for inner in behind:
        if isinstance(inner, ssl.SSLError):
            return _tls_error(inner)
    for inner in behind:
        if isinstance(inner, OSError) and inner.errno is not None:
            kind = socket.gaierror if isinstance(inner, socket.gaierror) else OSError
            return kind(inner.errno, one_line(inner.strerror or "", 300))
    return None


def _behind(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and the errors that caused it."""
    current = error
    for _ in range(5):
        if current is None or isinstance(current, asyncio.TimeoutError):
            return
        for name in ("certificate_error", "os_error"):
            inner = getattr(current, name, None)
            if isinstance(inner, Exception):
                yield inner
        yield current
        current = current.__cause__


def _tls_error(error: ssl.SSLError) -> ssl.SSLError:
    untrusted = isinstance(error, ssl.SSLCertVerificationError)
    kind = ssl.SSLCertVerificationError if untrusted else ssl.SSLError
    text = one_line(error.strerror or "", 300)
    copied = kind(text) if error.errno is None else kind(error.errno, text)
    for name in ("library", "reason", "verify_code", "verify_message"):
        if isinstance(value := getattr(error, name, None), (str, int)):
            setattr(copied, name, value)
    return copied


def _untrusted(error: aiohttp.ClientConnectorCertificateError) -> str:
    why = getattr(error.certificate_error, "verify_message", "") or error.certificate_error
    return (
        f"the certificate of {error.host}:{error.port} is not trusted ({str(why).rstrip('.')}); "
        "nothing was sent: check the domain, or pass an ssl_context= that trusts it"
    )


def _no_connection(error: aiohttp.ClientConnectorError) -> str:
    # A connection that is closed during the handshake has an error without text.
    why = f"{error.os_error}" or "the connection was closed during the handshake"
    kind, place = "connection", f"{error.host}:{error.port}"
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        kind = "TLS connection"
    elif isinstance(error, aiohttp.ClientProxyConnectionError):
        place = f"the proxy {place}"
    return f"no {kind} to {place}: {why}"


def _is_refused_certificate(error: BaseException) -> bool:
    """Return whether the server ended the handshake because it does not trust the client.

    With TLS 1.3, the client learns this only after sending its request, which the server then
    does not read.
    """
    cause = error.__cause__
    text = (cause.reason or "") if isinstance(cause, ssl.SSLError) else ""
    return "ALERT" in text and ("CERTIFICATE" in text or "UNKNOWN_CA" in text)
