"""Connections to the server: which of them an exchange uses, and whether that one still stands."""

from __future__ import annotations

import asyncio
import select
import weakref
from contextvars import ContextVar
from http.cookies import BaseCookie, SimpleCookie
from typing import Any

import aiohttp
import attrs
from yarl import URL


@attrs.define(eq=False)
class Progress:
    """How far one exchange has come.

    Attributes:
        has_connection: whether it got a connection, so that the request may have been sent.
        kept_connection: whether that connection was kept from an earlier exchange.
        opened: whether the connector is opening a connection, as far as a trace tells.
        request: aiohttp's request that got the connection.
        protocol: the protocol of that connection.
    """

    has_connection: bool = False
    kept_connection: bool = False
    opened: bool = False
    request: Any = attrs.field(default=None, repr=False)
    protocol: Any = attrs.field(default=None, repr=False)

    def refuse_repeat(self, request: aiohttp.ClientRequest) -> None:
        """Raise if aiohttp repeats by itself, which no retry policy would count.

        It makes another request object for that. A middleware that repeats on purpose passes the
        same object on again, and what it fetches besides has another URL.
        """
        first = self.request
        if first is None or first is request:
            return
        if (first.method, first.url) == (request.method, request.url):
            raise RepeatedError(self.protocol.exception())

    def forget(self) -> None:
        """Let go of aiohttp's objects, which hold the request's headers."""
        self.request = self.protocol = None


# How the connector, deep inside aiohttp, reports to the exchange that it serves.
progress: ContextVar[Progress] = ContextVar("monocloud_progress")


class RepeatedError(aiohttp.ClientConnectionError):
    """aiohttp wanted to send a request again by itself.

    Attributes:
        failure: what the first sending failed with.
    """

    def __init__(self, failure: object) -> None:
        super().__init__("a request is sent once for each attempt")
        self.failure: Exception = (
            failure if isinstance(failure, Exception) else aiohttp.ServerDisconnectedError()
        )


class NoCookies(aiohttp.DummyCookieJar):
    """A jar that stays empty, and of which each request takes the same nothing."""

    _nothing: BaseCookie[str] = SimpleCookie()

    def filter_cookies(self, request_url: URL) -> BaseCookie[str]:  # noqa: ARG002
        return self._nothing


class OwnConnector(aiohttp.TCPConnector):
    """The connector that a session of ours has."""

    def __del__(self, *_: object) -> None:
        """Do nothing: connections of a loop, or a process, that is gone are not ours to close."""


class Connector:
    """A connector that lends no dead connection, and reports how far an exchange has come.

    It stands before one of aiohttp's, which is ours or a lent session's, and replaces its
    ``connect`` alone.

    Args:
        connector: aiohttp's connector.
        loop: the event loop of its connections.
        shared: whether others use its connections too, so that only a trace tells new from kept.
    """

    def __init__(
        self,
        connector: aiohttp.BaseConnector,
        loop: asyncio.AbstractEventLoop,
        *,
        shared: bool = False,
    ) -> None:
        self._connector = connector
        self._home = loop
        self._shared = shared
        self._abandoned = False
        self._used = weakref.WeakSet[Any]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connector, name)

    @property
    def closed(self) -> bool:
        """Whether no connection can be had; a session asks that before it complains of its end."""
        return self._abandoned or self._connector.closed or self._home.is_closed()

    def abandon(self) -> None:
        """Never touch the connections again: they are another's, or their loop is gone."""
        self._abandoned = True

    async def connect(
        self, request: aiohttp.ClientRequest, *args: Any, **kwargs: Any
    ) -> aiohttp.connector.Connection:
        """Return a connection for a request: a kept one that still stands, or a new one."""
        state = progress.get()
        state.refuse_repeat(request)
        while True:
            state.opened = False
            connection = await self._connector.connect(request, *args, **kwargs)
            kept = not state.opened if self._shared else connection.protocol in self._used
            if not (kept and _is_stale(connection)):
                break
            connection.close()
        if not (kept or self._shared):
            self._used.add(connection.protocol)
        state.has_connection, state.kept_connection = True, kept
        state.request, state.protocol = request, connection.protocol
        return connection


def noting_new_connections() -> aiohttp.TraceConfig:
    """Return a trace that tells the exchange when its connector opens a connection."""

    async def opening(*_: object) -> None:
        progress.get().opened = True

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_start.append(opening)
    trace.freeze()
    return trace


def _is_stale(connection: aiohttp.connector.Connection) -> bool:
    """Return whether a kept connection was closed, or brought what nobody asked for.

    The kernel is asked: the loop may have stood still, or be about to notice.
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
