"""Connections to the server: which of them an exchange uses, and whether that one still stands."""

from __future__ import annotations

import asyncio
import select
import ssl
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from http.cookies import BaseCookie, SimpleCookie
from typing import Any, cast

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
        failure: what that connection ended with, if aiohttp may repeat the request, or does not
            tell by type.
    """

    has_connection: bool = False
    kept_connection: bool = False
    opened: bool = False
    request: Any = attrs.field(default=None, repr=False)
    failure: Any = attrs.field(default=None, repr=False)

    def note_failure(self, protocol: Any) -> None:
        """Keep what a connection ended with, which its protocol forgets when it is closed."""
        self.failure = protocol.exception()

    def note_end(self, connection: aiohttp.connector.Connection | None) -> None:
        """Keep what ended a connection in the middle of an answer."""
        if connection is not None and connection.protocol is not None:
            self.note_failure(connection.protocol)

    def let_go(self) -> None:
        """Drop what holds the request's headers."""
        self.request = self.failure = None

    def refuse_repeat(self, request: aiohttp.ClientRequest) -> None:
        """Raise if aiohttp repeats by itself, which no retry policy would count.

        It makes another request object for that. A middleware that repeats on purpose passes the
        same object on again, and what it fetches besides has another URL.
        """
        first = self.request
        if first is not request and (first.method, first.url) == (request.method, request.url):
            raise RepeatedError(self.failure)


# Of these methods, aiohttp repeats no request by itself.
_SENT_ONCE = ("POST", "PATCH")
# The packages that aiohttp speaks SOCKS with.
_OF_SOCKS = ("aiohttp_socks", "python_socks")
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


class SocksError(aiohttp.ClientConnectionError):
    """No connection through a SOCKS proxy; the packages for it have errors of their own."""


class NoCookies(aiohttp.DummyCookieJar):
    """A jar that stays empty, and of which each request takes the same nothing."""

    _nothing: BaseCookie[str] = SimpleCookie()

    def filter_cookies(self, request_url: URL) -> BaseCookie[str]:  # noqa: ARG002
        return self._nothing


class Watching:
    """What a connector has before aiohttp's: it replaces ``connect`` alone.

    It lends no dead connection, and reports how far an exchange has come. Its own attributes are
    out of the way of those that aiohttp's connectors have.
    """

    # Whether others use its connections too, so that only a trace tells new ones from kept ones.
    shared = False

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to watch.

        Args:
            loop: the event loop of the connections.
        """
        self.__loop = loop
        self.__abandoned = self.__forgotten = False
        # What a fork left here: an end of it would bring a warning.
        self.__left: list[Any] = []
        # Which connections came through here, and how the kernel is asked about each.
        self.__known: dict[Any, Callable[[], bool]] = {}

    @property
    def closed(self) -> bool:
        """Whether no connection can be had; a session asks that before it complains of its end."""
        if self.__forgotten or self.__loop.is_closed():
            return True
        behind: Any = super()
        return bool(behind.closed)

    def abandon(self) -> None:
        """Never touch the connections again: they are another's, or their loop is gone."""
        self.__abandoned = self.__forgotten = True

    def disown(self) -> None:
        """Abandon the connections, after a fork, to the process that has them.

        To close one here would take it out of what the kernel watches for that process too.
        """
        self.abandon()
        self.__left = [protocol.transport for protocol in self.__known]
        for protocol in self.__known:
            protocol.transport = None

    def forget(self) -> None:
        """Note that nobody is left to use or close the connections, which ``end`` still closes."""
        self.__forgotten = True

    async def end(self) -> None:
        """Close the connections, unless they were abandoned."""
        behind: Any = super()
        if not self.__abandoned:
            await behind.close()

    async def connect(
        self, request: aiohttp.ClientRequest, *args: Any, **kwargs: Any
    ) -> aiohttp.connector.Connection:
        """Return a connection for a request: a kept one that still stands, or a new one."""
        behind: Any = super()
        state = progress.get()
        if state.request is not None:
            state.refuse_repeat(request)
        while True:
            state.opened = False
            connection = await behind.connect(request, *args, **kwargs)
            protocol = connection.protocol
            is_readable = self.__known.get(protocol)
            kept = not state.opened if self.shared else is_readable is not None
            if is_readable is None:
                is_readable = self.__add(connection)
            # One that was closed, or brought what nobody asked for, is passed over. The kernel is
            # asked: the loop may have stood still, or be about to notice.
            stands = protocol.transport is not None and not protocol.should_close
            if not kept or (stands and not is_readable()):
                break
            connection.close()
        state.has_connection, state.kept_connection = True, kept
        state.request = request
        if request.method not in _SENT_ONCE:
            connection.add_callback(lambda: state.note_failure(protocol))
        return cast("aiohttp.connector.Connection", connection)

    def __add(self, connection: aiohttp.connector.Connection) -> Callable[[], bool]:
        transport = connection.transport
        at = None if transport is None else transport.get_extra_info("socket")
        is_readable = _never if at is None else _reader_of(at.fileno())
        known = {one: ask for one, ask in self.__known.items() if one.transport is not None}
        self.__known = {**known, connection.protocol: is_readable}
        return is_readable


class Connector(Watching, aiohttp.TCPConnector):  # type: ignore[misc]
    """The connector of a session of ours, on the running loop."""

    def __init__(self, ssl_context: ssl.SSLContext | None) -> None:
        self.watch(asyncio.get_running_loop())
        # The semaphore is the limit: a wait inside aiohttp would count as the server's slowness.
        behind: Any = super()
        behind.__init__(limit=0, ssl=ssl_context or True)

    def __del__(self, *_: object) -> None:
        """Do nothing: connections of a loop, or a process, that is gone are not ours to close."""


class _Behind:
    """All of a connector, as it is."""

    def __init__(self, connector: aiohttp.BaseConnector) -> None:
        self._behind = connector

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)

    @property
    def closed(self) -> bool:
        return self._behind.closed

    def connect(self, *args: Any, **kwargs: Any) -> Awaitable[aiohttp.connector.Connection]:
        return self._behind.connect(*args, **kwargs)


class LentConnector(Watching, _Behind):
    """What stands before the connector of a lent session.

    Args:
        connector: that connector.
        loop: the event loop of its connections.
    """

    shared = True

    def __init__(self, connector: aiohttp.BaseConnector, loop: asyncio.AbstractEventLoop) -> None:
        self.watch(loop)
        super().__init__(connector)

    async def connect(self, *args: Any, **kwargs: Any) -> aiohttp.connector.Connection:
        try:
            return await super().connect(*args, **kwargs)
        except Exception as error:
            if type(error).__module__.partition(".")[0] not in _OF_SOCKS:
                raise
            raise SocksError(str(error)) from error


def noting_new_connections() -> aiohttp.TraceConfig:
    """Return a trace that tells the exchange when its connector opens a connection."""

    async def opening(*_: object) -> None:
        progress.get().opened = True

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_start.append(opening)
    trace.freeze()
    return trace


def _never() -> bool:
    return False


if hasattr(select, "poll"):

    def _reader_of(descriptor: int) -> Callable[[], bool]:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return lambda: bool(poll.poll(0))

else:

    def _reader_of(descriptor: int) -> Callable[[], bool]:
        return lambda: bool(select.select([descriptor], [], [], 0)[0])
