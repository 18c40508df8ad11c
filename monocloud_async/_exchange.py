"""One exchange with the server: a request out, an answer or the lack of one in.

With _session.py, which opens the connections, the only module that knows aiohttp.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping

import aiohttp
import attrs
from yarl import URL

from ._session import NO_TIMEOUT, Pool, Progress, progress
from ._wording import one_line
from .response import Headers

MAX_BODY = 16 * 1024 * 1024
_NEVER_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
)


@attrs.define(eq=False)
class Request:
    """What to send."""

    method: str
    url: URL
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: Mapping[str, object] | None = attrs.field(repr=False)
    proxy: str | None = attrs.field(repr=False)


@attrs.define(eq=False)
class Answer:
    """What came back: status, headers, and at most ``MAX_BODY`` + 1 bytes of the body."""

    status: int
    headers: Headers
    body: bytes


@attrs.define(eq=False)
class NoAnswer:
    """Why nothing came back that could be used.

    Attributes:
        reason: what went wrong, for a person.
        timed_out: whether it was the limit of time.
        reached_server: whether the request may have been sent, all or in part.
        kept_connection: whether it was sent on a connection kept from an earlier call.
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
    # Whether a session of the caller's got a connection cannot be told: take it that it did.
    state = Progress(has_connection=pool.lifetime is None)
    progress.set(state)
    answer: Answer | None = None
    try:
        with pool.time_limits.limit(limit):
            response = await _sent(pool, request)
            try:
                answer = Answer(response.status, Headers(response.headers.items()), b"")
                answer.body = await _read(response)
                return answer
            finally:
                response.release()
    except asyncio.TimeoutError:
        reason, timed_out, sent = "", True, state.has_connection
    except (aiohttp.ClientError, OSError) as error:
        reason, timed_out = _reason(error), False
        sent = state.has_connection and not isinstance(error, _NEVER_SENT)
    if answer is not None and answer.status >= 300:
        # It said no, and broke off before it said why: the no stands.
        return answer
    return NoAnswer(reason, timed_out, sent, sent and state.kept_connection)


def _sent(pool: Pool, request: Request) -> Awaitable[aiohttp.ClientResponse]:
    return pool.session.request(
        request.method,
        request.url,
        headers=request.headers,
        json=request.body,
        skip_auto_headers=pool.skipped_headers if request.body is None else None,
        proxy=request.proxy,
        timeout=NO_TIMEOUT,
        # aiohttp would carry X-API-KEY along to wherever a redirect leads.
        allow_redirects=False,
        raise_for_status=False,
    )


async def _read(response: aiohttp.ClientResponse) -> bytes:
    content = response.content
    first = await content.readany()
    if content.at_eof():
        return first[: MAX_BODY + 1]
    body = bytearray(first)
    while not content.at_eof() and len(body) <= MAX_BODY:
        body += await content.readany()
    return bytes(body[: MAX_BODY + 1])


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
        return one_line(f"the answer is not HTTP: {error.message}", 200)
    what = error.strerror if isinstance(error, OSError) else None
    return f"the connection failed: {what or type(error).__name__}"
