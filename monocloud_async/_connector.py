"""Connections to the server: how far an exchange has come on one, and whether one still stands."""

from __future__ import annotations

import functools
import select
from collections.abc import Iterable
from contextvars import ContextVar
from http.cookies import BaseCookie, SimpleCookie

import aiohttp
import attrs
from aiohttp.client_proto import ResponseHandler
from aiohttp.typedefs import LooseHeaders
from multidict import CIMultiDict
from yarl import URL


@attrs.define
class Progress:
    """How far one exchange has come.

    Attributes:
        has_connection: whether it got a connection, so that the request may have been sent.
        kept_connection: whether that was one kept from an earlier call.
    """

    has_connection: bool = False
    kept_connection: bool = False


# How the connector, deep inside aiohttp, tells the exchange that it serves.
progress: ContextVar[Progress] = ContextVar("monocloud_progress")


class ExactRequest(aiohttp.ClientRequest):
    """A request with the headers that it is given; not even its missing body gets another."""

    POST_METHODS = set[str]()  # noqa: RUF012

    def update_headers(self, headers: LooseHeaders | None) -> None:
        """Take the headers, a copy made for this request, whole; aiohttp would take them apart."""
        self.headers = headers if type(headers) is CIMultiDict else CIMultiDict(headers or ())

    def update_auto_headers(self, skip_auto_headers: Iterable[str] | None) -> None:
        """Add nothing: all that aiohttp would add is there."""


class SpoiledError(aiohttp.ClientConnectionError):
    """A connection brought what nobody asked for; nothing was sent on it."""

    def __init__(self) -> None:
        super().__init__("it brought an answer before it was asked")


@functools.lru_cache(maxsize=16)
def wary(kind: type[aiohttp.ClientRequest]) -> type[aiohttp.ClientRequest]:
    """Return a kind of request that refuses a connection with an answer to nothing on it.

    Our own connector sees to that itself; that of a lent session is the caller's.
    """

    class WaryRequest(kind):  # type: ignore[misc, valid-type]
        async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
            if conn.protocol is None or conn.protocol.should_close:
                raise SpoiledError
            response: aiohttp.ClientResponse = await super().send(conn)
            return response

    return WaryRequest


class NoCookies(aiohttp.DummyCookieJar):
    """A jar that stays empty, and that no request makes another empty one of."""

    _nothing: BaseCookie[str] = SimpleCookie()

    def filter_cookies(self, request_url: URL) -> BaseCookie[str]:  # noqa: ARG002
        return self._nothing


class Connector(aiohttp.TCPConnector):
    """A connector that takes note of how far an exchange has come."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[aiohttp.tracing.Trace],
        timeout: aiohttp.ClientTimeout,
    ) -> aiohttp.connector.Connection:
        state = progress.get()
        while True:
            state.kept_connection = True
            connection = await super().connect(req, traces, timeout)
            if not (state.kept_connection and _is_stale(connection)):
                state.has_connection = True
                return connection
            connection.close()

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[aiohttp.tracing.Trace],
        timeout: aiohttp.ClientTimeout,
    ) -> ResponseHandler:
        progress.get().kept_connection = False
        return await super()._create_connection(req, traces, timeout)

    def abandon(self) -> None:
        """Never touch the connections again: they are another process's, or their loop is gone."""
        self._closed = True


def _is_stale(connection: aiohttp.connector.Connection) -> bool:
    """Return whether a kept connection was closed, or brought what nobody asked for.

    The kernel is asked: the loop may have stood still, or be about to hear of it.
    """
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None or protocol.should_close:
        return True
    at = transport.get_extra_info("socket")
    return at is not None and _is_readable(at.fileno())


if hasattr(select, "poll"):

    def _is_readable(descriptor: int) -> bool:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(0))

else:

    def _is_readable(descriptor: int) -> bool:
        return bool(select.select([descriptor], [], [], 0)[0])
