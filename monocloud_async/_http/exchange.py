"""One exchange with the server: a request and its response, or the failure to get one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping

import aiohttp
import attrs
from multidict import CIMultiDict, istr
from yarl import URL

from ..errors import ConfigurationError
from ..response import Headers
from . import failures
from .body import JSONBody, json_body, read
from .connector import Progress, RepeatedError, progress
from .headers import RequestHeaders, merged
from .lent import headers_for
from .proxy import Proxy
from .session import Pool

# For these methods, aiohttp labels a missing body as an octet-stream unless it is told not to.
# Telling it takes 3 µs, so it is done for these methods only.
_USUALLY_WITH_BODY = ("POST", "PUT", "PATCH")
_NO_CONTENT_TYPE = (istr("Content-Type"),)
_CONTENT_ENCODING = istr("Content-Encoding")


@attrs.define(eq=False)
class Request:
    """A request to send.

    Attributes:
        method: the HTTP method.
        url: the complete URL.
        headers: the headers that every request has.
        body: any JSON value, or None for no body; stored as the bytes to send.
        proxy: the proxy to use, or None.
        more_headers: headers of this request alone, or None.

    Raises:
        InvalidArgumentError: the body cannot be JSON, for example because it contains NaN.
    """

    method: str
    url: URL
    headers: RequestHeaders
    body: JSONBody | None = attrs.field(converter=json_body, repr=False)
    proxy: Proxy | None
    more_headers: Mapping[str, str] | None = attrs.field(default=None, repr=False)

    def fields(self) -> CIMultiDict[str]:
        """Return the headers to send."""
        fields = self.headers.fields if self.body is None else self.headers.with_body
        return merged(fields, self.more_headers) if self.more_headers else fields


@attrs.define(eq=False)
class RawResponse:
    """A received response.

    Attributes:
        status: the HTTP status.
        headers: the response headers.
        body: the decompressed body; the first bytes of an unreadable one.
        unreadable: why the body is unreadable; "" if it is readable.
    """

    status: int
    headers: Headers = attrs.field(repr=False)
    body: bytes = attrs.field(default=b"", repr=False)
    unreadable: str = ""

    def mask_key(self, sent: RequestHeaders) -> None:
        """Mask the API key, which a server may echo, so that errors can hold this response."""
        mask = sent.masked_in
        self.headers = Headers([(name, mask(value)) for name, value in self.headers.items()])
        self.body = mask(self.body.decode("latin-1")).encode("latin-1")


@attrs.define(eq=False)
class NoResponse:
    """Why an exchange produced no usable response.

    Attributes:
        reason: a readable description of the failure.
        timed_out: whether the time limit passed.
        reached_server: whether any part of the request may have been sent.
        reused_connection: whether it was sent on a kept-alive connection that turned out to be
            closed.
        permanent: whether a retry would fail the same way.
        cause: the underlying error of the operating system or of TLS, for ``raise … from``. It
            holds no header, URL or traceback, and nothing of aiohttp's.
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
        request: the request to send.
        limit: seconds until the response must be complete, including its body; 0 or less sends
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
        # A hook of the caller's session may make a call of its own, with its own progress.
        progress.reset(before)
        state.let_go()
    if pool.lent is not None and pool.lent.closed and not state.has_connection:
        raise ConfigurationError("the session passed to the client is closed; nothing was sent")
    if response is not None and response.status >= 300:
        # The status is an error, even though the body was cut off.
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
    # Pass headers per request, because a proxy would get a session's default headers too.
    fields = request.fields()
    without_body = body is None and request.method in _USUALLY_WITH_BODY
    return pool.session.request(
        request.method,
        request.url,
        headers=fields if pool.lent is None else headers_for(pool.lent, fields),
        data=None if body is None else body.payload(),
        skip_auto_headers=_NO_CONTENT_TYPE if without_body else None,
        proxy=proxy.url if proxy else None,
        proxy_headers=proxy.headers if proxy else None,
        # aiohttp would send X-API-KEY to wherever a redirect leads.
        allow_redirects=False,
    )
