"""One exchange with the server: a request out, an answer or the lack of one in.

With _session.py and _connector.py, which open the connections, and _cause.py, which knows its
errors, the only module that knows aiohttp.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
from collections.abc import Awaitable

import aiohttp
import attrs
from yarl import URL

from . import _content
from ._cause import is_lasting, never_arrived, reason, was_closed
from ._connector import Progress, SpoiledError, progress, wary
from ._proxy import Proxy
from ._request_headers import RequestHeaders
from ._session import NO_TIMEOUT, Pool
from .errors import ConfigurationError
from .response import Headers

_NO_CONTENT_TYPE = ("Content-Type",)
# More than a pool has, as a rule: each is closed, and the next one taken.
_MOST_SPOILED = 200


@attrs.define(eq=False)
class Request:
    """What to send."""

    method: str
    url: URL
    headers: RequestHeaders
    body: object = attrs.field(repr=False)
    proxy: Proxy | None


@attrs.define(eq=False)
class Answer:
    """What came back: status, headers, body, and why the body cannot be read, where it cannot."""

    status: int
    headers: Headers = attrs.field(repr=False)
    body: bytes = attrs.field(default=b"", repr=False)
    flaw: str = ""

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
        kept_connection: whether it was sent on a connection kept from an earlier call, and that
            turned out to be closed.
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
    # Whether a lent session got a connection, and a kept one, cannot be told: take it that it did.
    lent = pool.is_lent
    state = Progress(lent, lent)
    progress.set(state)
    answer: Answer | None = None
    send = _send_by_lent if lent else _send
    try:
        with pool.time_limits.limit(limit):
            response = await send(pool.session, request)
            try:
                answer = Answer(response.status, Headers(response.headers.items()))
                coding = response.headers.get("Content-Encoding", "")
                answer.body, answer.flaw = await _content.read(response.content, coding)
                return answer
            finally:
                response.release()
    except (asyncio.TimeoutError, aiohttp.ClientError, OSError) as error:
        failure = _no_answer(error, request, state, began=answer is not None)
    if answer is not None and answer.status >= 300:
        # It said no, and broke off before it said why: the no stands.
        return answer
    return failure


def _no_answer(error: Exception, request: Request, state: Progress, *, began: bool) -> NoAnswer:
    timed_out = isinstance(error, asyncio.TimeoutError)
    sent = state.has_connection and not never_arrived(error)
    return NoAnswer(
        reason="" if timed_out else request.headers.masked_in(reason(error)),
        timed_out=timed_out,
        reached_server=sent,
        kept_connection=state.kept_connection and sent and not began and was_closed(error),
        lasting=is_lasting(error),
    )


def _send(
    session: aiohttp.ClientSession, request: Request, skipped: tuple[str, ...] | None = None
) -> Awaitable[aiohttp.ClientResponse]:
    return session.request(
        request.method,
        request.url,
        headers=request.headers.fields,
        json=request.body,
        skip_auto_headers=skipped,
        proxy=request.proxy.url if request.proxy else None,
        proxy_headers=request.proxy.headers if request.proxy else None,
        timeout=NO_TIMEOUT,
        # aiohttp would carry X-API-KEY along to wherever a redirect leads.
        allow_redirects=False,
        raise_for_status=False,
        auto_decompress=False,
    )


async def _send_by_lent(session: aiohttp.ClientSession, request: Request) -> aiohttp.ClientResponse:
    # A step of the loop asks the kernel which connections were closed, the next sees to it.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    if session.closed:
        # In between; aiohttp has but a RuntimeError for that.
        raise ConfigurationError("the session given is closed; nothing was sent")
    # aiohttp sends GET and DELETE again by itself, uncounted; a twin of the session does not.
    twin = copy.copy(session)
    vars(twin)["_retry_connection"] = False
    vars(twin)["_request_class"] = wary(vars(twin)["_request_class"])
    # It also calls the body that a POST does not have an octet-stream.
    skipped = _NO_CONTENT_TYPE if request.body is None else None
    try:
        for _ in range(_MOST_SPOILED):
            with contextlib.suppress(SpoiledError):
                return await _send(twin, request, skipped)
        raise SpoiledError
    finally:
        twin.detach()
