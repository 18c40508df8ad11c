"""One exchange with the server: a request out, an answer or the lack of one in.

With _session.py, which opens the connections, and _cause.py, which knows its errors, the only
module that knows aiohttp.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping

import aiohttp
import attrs
from yarl import URL

from ._cause import is_lasting, never_arrived, reason
from ._proxy import Proxy
from ._request_headers import RequestHeaders
from ._session import NO_TIMEOUT, Pool, Progress, progress
from .response import Headers

MAX_BODY = 16 * 1024 * 1024


@attrs.define(eq=False)
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


@attrs.define(eq=False)
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
    except (asyncio.TimeoutError, aiohttp.ClientError, OSError) as error:
        failure = _no_answer(error, request, state)
    if answer is not None and answer.status >= 300:
        # It said no, and broke off before it said why: the no stands.
        return answer
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


def _sent(pool: Pool, request: Request) -> Awaitable[aiohttp.ClientResponse]:
    return pool.session.request(
        request.method,
        request.url,
        headers=request.headers.fields,
        json=request.body,
        skip_auto_headers=pool.skipped_headers if request.body is None else None,
        proxy=request.proxy.url if request.proxy else None,
        proxy_headers=request.proxy.headers if request.proxy else None,
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
