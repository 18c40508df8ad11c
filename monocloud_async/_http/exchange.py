"""One exchange with the server: a request out, a response or the lack of one in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import aiohttp
import attrs
from multidict import istr
from yarl import URL

from ..errors import ConfigurationError
from ..response import Headers
from . import failures
from .body import JSONBody, json_body, read
from .connector import Progress, RepeatedError, progress
from .headers import RequestHeaders
from .lent import headers_for
from .proxy import Proxy
from .session import Pool

# aiohttp calls the body that a request of these methods does not have an octet-stream, unless it is
# asked not to; to ask takes 3 µs, and so is done for them alone.
_USUALLY_WITH_BODY = ("POST", "PUT", "PATCH")
_NO_CONTENT_TYPE = (istr("Content-Type"),)
_CONTENT_ENCODING = istr("Content-Encoding")


@attrs.define(eq=False)
class Request:
    """What to send.

    Attributes:
        method: the HTTP method.
        url: where to, whole.
        headers: what every request carries.
        body: any JSON value, or None for no body; kept as the bytes that are sent.
        proxy: the proxy on the way, or None.

    Raises:
        InvalidArgumentError: the body cannot be JSON, as where it holds NaN.
    """

    method: str
    url: URL
    headers: RequestHeaders
    body: JSONBody | None = attrs.field(converter=json_body, repr=False)
    proxy: Proxy | None


@attrs.define(eq=False)
class RawResponse:
    """What came back.

    Attributes:
        status: the HTTP status.
        headers: its headers.
        body: its body, decompressed; of one that cannot be read, the first bytes.
        unreadable: why its body cannot be read; "" if it can.
    """

    status: int
    headers: Headers = attrs.field(repr=False)
    body: bytes = attrs.field(default=b"", repr=False)
    unreadable: str = ""

    def mask_key(self, sent: RequestHeaders) -> None:
        """Make this fit for an error: a server that echoes requests echoes the API key too."""
        mask = sent.masked_in
        self.headers = Headers([(name, mask(value)) for name, value in self.headers.items()])
        self.body = mask(self.body.decode("latin-1")).encode("latin-1")


@attrs.define(eq=False)
class NoResponse:
    """Why nothing came back that could be used.

    Attributes:
        reason: what went wrong, for a person.
        timed_out: whether it was the time limit.
        reached_server: whether the request may have been sent, all or in part.
        reused_connection: whether it was sent on a connection kept from an earlier exchange, and
            that connection turned out to be closed.
        permanent: whether it would fail in the same way the next time.
        cause: the error of the operating system or of TLS behind it, for ``raise … from``; it
            holds no header, no URL, no traceback and nothing of aiohttp's.
    """

    reason: str
    timed_out: bool
    reached_server: bool
    reused_connection: bool
    permanent: bool = False
    cause: Exception | None = None


async def exchange(pool: Pool, request: Request, limit: float) -> RawResponse | NoResponse:
    """Send a request and read its response.

    Args:
        pool: the connections.
        request: what to send.
        limit: seconds until the response must be there, its body included; 0 or less sends
            nothing.
    """
    if limit <= 0:
        return NoResponse("", timed_out=True, reached_server=False, reused_connection=False)
    state = Progress()
    before = progress.set(state)
    response: RawResponse | None = None
    try:
        with pool.time_limits.limit(limit):
            incoming = await _send(pool, request)
            try:
                response = RawResponse(incoming.status, Headers(incoming.headers.items()))
                coding = incoming.headers.get(_CONTENT_ENCODING, "")
                response.body, response.unreadable = await read(incoming.content, coding)
                return response
            except aiohttp.ClientPayloadError:
                state.note_end(incoming.connection)
                raise
            finally:
                incoming.release()
    except (asyncio.TimeoutError, aiohttp.ClientError, OSError) as error:
        failure = _no_response(error, request, state, began=response is not None)
    finally:
        # A hook of a lent session may make a call of its own: each reports to its own exchange.
        progress.reset(before)
        state.let_go()
    if pool.lent is not None and pool.lent.closed and not state.has_connection:
        raise ConfigurationError("the session given is closed; nothing was sent")
    if response is not None and response.status >= 300:
        # It said no, and broke off before it said why: the no stands.
        return response
    return failure


def _no_response(error: Exception, request: Request, state: Progress, *, began: bool) -> NoResponse:
    if isinstance(error, RepeatedError):
        error = error.failure
    timed_out = isinstance(error, asyncio.TimeoutError)
    sent = state.has_connection and not failures.never_arrived(error)
    return NoResponse(
        reason="" if timed_out else request.headers.masked_in(failures.reason(error)),
        timed_out=timed_out,
        reached_server=sent,
        reused_connection=state.kept_connection
        and sent
        and not began
        and failures.was_closed(error),
        permanent=failures.is_permanent(error),
        cause=failures.cause(error) or (failures.cause(state.failure) if began else None),
    )


def _send(pool: Pool, request: Request) -> Awaitable[aiohttp.ClientResponse]:
    body, proxy = request.body, request.proxy
    # Not as a session's defaults: a proxy would get those too.
    fields = request.headers.fields if body is None else request.headers.with_body
    without_body = body is None and request.method in _USUALLY_WITH_BODY
    return pool.session.request(
        request.method,
        request.url,
        headers=fields if pool.lent is None else headers_for(pool.lent, fields),
        data=None if body is None else body.payload(),
        skip_auto_headers=_NO_CONTENT_TYPE if without_body else None,
        proxy=proxy.url if proxy else None,
        proxy_headers=proxy.headers if proxy else None,
        # aiohttp would carry X-API-KEY along to wherever a redirect leads.
        allow_redirects=False,
    )
