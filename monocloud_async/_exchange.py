"""One exchange with the server: a request out, an answer or the lack of one in.

With _session.py, which opens the connections, and _cause.py, which knows its errors, the only
module that knows aiohttp.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiohttp
import attrs
from yarl import URL

from ._cause import is_lasting, never_arrived, reason
from ._proxy import Proxy
from ._request_headers import RequestHeaders
from ._session import Pool, Progress, progress
from ._time_limit import time_limit
from .response import Headers

MAX_BODY = 16 * 1024 * 1024
# The limit of time is ours alone: aiohttp's would count the wait for a connection too.
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=None)
_NO_CONTENT_TYPE = ("Content-Type",)


@attrs.frozen(eq=False)
class Request:
    """What to send."""

    method: str
    url: URL
    headers: RequestHeaders
    body: Mapping[str, object] | None = attrs.field(repr=False)
    proxy: Proxy | None


@attrs.define(eq=False)
class Answer:
    """What came back: status, headers, and at most ``MAX_BODY`` + 1 bytes of the body."""

    status: int
    headers: Headers = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)

    def mask_key(self, sent: RequestHeaders) -> None:
        """Make this answer fit for an error: what echoes requests echoes the API key too."""
        mask = sent.masked_in
        self.headers = Headers([(name, mask(value)) for name, value in self.headers.items()])
        self.body = mask(self.body.decode("latin-1")).encode("latin-1")


@attrs.frozen(eq=False)
class NoAnswer:
    """Why nothing came back that could be used.

    Attributes:
        reason: what went wrong, for a person.
        timed_out: whether it was the limit of time.
        reached_server: whether the request may have been sent, all or in part.
        kept_connection: whether it was sent on a connection kept from an earlier call.
        lasting: whether it would be just the same the next time.
    """

    reason: str
    timed_out: bool
    reached_server: bool
    kept_connection: bool
    lasting: bool = False


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
    try:
        async with time_limit(limit):
            return await _request(pool.session, request, state)
    except (asyncio.TimeoutError, aiohttp.ClientError, OSError) as error:
        failure = _no_answer(error, request, state)
    if state.status >= 300:
        # It said no, and broke off before it said why: the no stands.
        return Answer(state.status, state.headers, b"")
    return failure


def _no_answer(error: BaseException, request: Request, state: Progress) -> NoAnswer:
    timed_out = isinstance(error, asyncio.TimeoutError)
    sent = state.has_connection and not never_arrived(error)
    return NoAnswer(
        reason="" if timed_out else request.headers.masked_in(reason(error)),
        timed_out=timed_out,
        reached_server=sent,
        kept_connection=sent and state.kept_connection,
        lasting=is_lasting(error),
    )


async def _request(session: aiohttp.ClientSession, request: Request, state: Progress) -> Answer:
    async with session.request(
        request.method,
        request.url,
        headers=request.headers.fields,
        json=request.body,
        # Else aiohttp calls the body that a POST does not have an octet-stream.
        skip_auto_headers=_NO_CONTENT_TYPE if request.body is None else None,
        proxy=request.proxy.url if request.proxy else None,
        proxy_headers=request.proxy.headers if request.proxy else None,
        timeout=_NO_TIMEOUT,
        # aiohttp would carry X-API-KEY along to wherever a redirect leads.
        allow_redirects=False,
        raise_for_status=False,
    ) as response:
        state.headers = Headers(response.headers.items())
        state.status = response.status
        return Answer(response.status, state.headers, await _read(response))


async def _read(response: aiohttp.ClientResponse) -> bytes:
    content = response.content
    first = await content.readany()
    if content.at_eof():
        return first[: MAX_BODY + 1]
    body = bytearray(first)
    while not content.at_eof() and len(body) <= MAX_BODY:
        body += await content.readany()
    return bytes(body[: MAX_BODY + 1])
