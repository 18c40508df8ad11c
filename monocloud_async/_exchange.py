"""One exchange with the server: a request out, an answer or the lack of one in.

With _session.py, which opens the connections, the only module that knows aiohttp.
"""

from __future__ import annotations

import asyncio
import copy
import re
from collections.abc import Mapping

import aiohttp
import attrs
from yarl import URL

from . import _content
from ._session import Pool, Progress, progress
from ._time_limit import time_limit
from ._wording import one_line
from .response import Headers

# The limit of time is ours alone: aiohttp's would count the wait for a connection too.
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=None)
_NO_CONTENT_TYPE = ("Content-Type",)
_NEVER_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
)
_CLOSED = (aiohttp.ServerDisconnectedError, OSError)
# Where aiohttp's words end and the server's bytes begin: they may be of a person, or the key.
_QUOTED = re.compile(r":?\s*(bytearray\()?b['\"].*", re.DOTALL)


@attrs.frozen(eq=False)
class Request:
    """What to send."""

    method: str
    url: URL
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: Mapping[str, object] | None = attrs.field(repr=False)
    proxy: str | None = attrs.field(repr=False)


@attrs.frozen(eq=False)
class Answer:
    """What came back: status, headers, body, and why the body cannot be read, where it cannot."""

    status: int
    headers: Headers
    body: bytes
    flaw: str = ""


@attrs.frozen(eq=False)
class NoAnswer:
    """Why nothing came back that could be used.

    Attributes:
        reason: what went wrong, for a person.
        timed_out: whether it was the limit of time.
        reached_server: whether the request may have been sent, all or in part.
        kept_connection: whether it was sent on a connection kept from an earlier call, and that
            turned out to be closed.
    """

    reason: str
    timed_out: bool
    reached_server: bool
    kept_connection: bool


async def exchange(pool: Pool, request: Request, limit: float) -> Answer | NoAnswer:
    """Send a request and read its answer.

    Args:
        pool: the connections.
        request: what to send.
        limit: seconds until the answer must be there, its body included; nothing is sent if
            there are none.
    """
    if limit <= 0:
        return NoAnswer("", timed_out=True, reached_server=False, kept_connection=False)
    # Whether a lent session got a connection, and a kept one, cannot be told: take it that it did.
    state = Progress(has_connection=pool.is_lent, kept_connection=pool.is_lent)
    progress.set(state)
    try:
        async with time_limit(limit):
            send = _lent_request if pool.is_lent else _request
            return await send(pool.session, request, state)
    except asyncio.TimeoutError:
        reason, timed_out, sent, closed = "", True, state.has_connection, False
    except (aiohttp.ClientError, OSError) as error:
        reason, timed_out = _reason(error), False
        sent = state.has_connection and not isinstance(error, _NEVER_SENT)
        closed = sent and not state.status and isinstance(error, _CLOSED)
    if state.status >= 300:
        # It said no, and broke off before it said why: the no stands.
        return Answer(state.status, state.headers, b"")
    return NoAnswer(reason, timed_out, sent, closed and state.kept_connection)


async def _lent_request(
    session: aiohttp.ClientSession, request: Request, state: Progress
) -> Answer:
    # A step of the loop asks the kernel which connections were closed, the next sees to it.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    # aiohttp sends GET and DELETE again by itself, uncounted; a twin of the session does not.
    twin = copy.copy(session)
    vars(twin)["_retry_connection"] = False
    try:
        return await _request(twin, request, state)
    finally:
        twin.detach()


async def _request(session: aiohttp.ClientSession, request: Request, state: Progress) -> Answer:
    async with session.request(
        request.method,
        request.url,
        headers=request.headers,
        json=request.body,
        # Else aiohttp calls the body that a POST does not have an octet-stream.
        skip_auto_headers=_NO_CONTENT_TYPE if request.body is None else None,
        proxy=request.proxy,
        timeout=_NO_TIMEOUT,
        # aiohttp would carry X-API-KEY along to wherever a redirect leads.
        allow_redirects=False,
        raise_for_status=False,
        auto_decompress=False,
    ) as response:
        state.headers = Headers(response.headers.items())
        state.status = response.status
        coding = state.headers.get("Content-Encoding", "")
        body, flaw = await _content.read(response.content, coding)
        return Answer(response.status, state.headers, body, flaw)


def _reason(error: BaseException) -> str:
    """Return what went wrong; aiohttp's own text may hold the request's headers."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy refused, with status {error.status}"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return one_line(f"the server's certificate is not trusted: {error.certificate_error}")
    if isinstance(error, aiohttp.ClientConnectorError):
        return one_line(f"no connection to {error.host}:{error.port}: {error.os_error}")
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the server closed the connection without an answer"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the connection broke off within the answer"
    if isinstance(error, aiohttp.ClientResponseError):
        return one_line(f"the answer is not HTTP: {_QUOTED.sub('', error.message)}", 200)
    what = error.strerror if isinstance(error, OSError) else None
    return f"the connection failed: {what or type(error).__name__}"
