"""Connections to the server: choosing one for an exchange, and checking that it is alive."""

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
    """The progress of one exchange.

    Attributes:
        has_connection: whether it got a connection, so the request may have been sent.
        kept_connection: whether that connection was kept alive from an earlier exchange.
        opened: whether the connector opened a connection, according to a trace.
        request: aiohttp's request that got the connection.
        failure: the connection's final error, in case aiohttp repeats the request or hides the
            error's type.
    """

    has_connection: bool = False
    kept_connection: bool = False
    opened: bool = False
    request: Any = attrs.field(default=None, repr=False)
    failure: Any = attrs.field(default=None, repr=False)

    def note_failure(self, protocol: Any) -> None:
        """Keep the connection's final error, which its protocol forgets on close."""
        self.failure = protocol.exception()

    def note_end(self, connection: aiohttp.connector.Connection | None) -> None:
        """Keep the error that ended a connection in the middle of a response."""
        if connection is not None and connection.protocol is not None:
            self.note_failure(connection.protocol)

    def let_go(self) -> None:
        """Drop references to the request's headers."""
        self.request = self.failure = None

    def refuse_repeat(self, request: aiohttp.ClientRequest) -> None:
        """Raise if aiohttp repeats a request on its own, behind the retry policy's back.

        For a repeat, aiohttp creates a new request object. A middleware that repeats on purpose
        passes the same object on, and other requests that it makes have another URL.
        """
        first = self.request
        if first is not request and (first.method, first.url) == (request.method, request.url):
            raise RepeatedError(self.failure)


# aiohttp never repeats requests with these methods on its own.
_SENT_ONCE = ("POST", "PATCH")
# The packages that add SOCKS support to aiohttp.
_OF_SOCKS = ("aiohttp_socks", "python_socks")
# Carries reports from the connector, deep inside aiohttp, to the current exchange.
progress: ContextVar[Progress] = ContextVar("monocloud_progress")


class RepeatedError(aiohttp.ClientConnectionError):
    """aiohttp tried to send a request again on its own.

    Attributes:
        failure: the error of the first attempt.
    """

    def __init__(self, failure: object) -> None:
        super().__init__("a request is sent only once per attempt")
        self.failure: Exception = (
            failure if isinstance(failure, Exception) else aiohttp.ServerDisconnectedError()
        )


class SocksError(aiohttp.ClientConnectionError):
    """The connection through a SOCKS proxy failed; the SOCKS packages have their own errors."""


class NoCookies(aiohttp.DummyCookieJar):
    """A cookie jar that stays empty, with one shared empty result for all requests."""

    _nothing: BaseCookie[str] = SimpleCookie()

    def filter_cookies(self, request_url: URL) -> BaseCookie[str]:  # noqa: ARG002
        return self._nothing


class Watching:
    """A mixin in front of an aiohttp connector that overrides only ``connect``.

    It never hands out a dead connection, and reports the progress of exchanges. Its attributes
    are name-mangled to stay clear of those of aiohttp's connectors.
    """

    # Whether others share its connections, so that only a trace tells new ones from kept ones.
    shared = False

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start watching.

        Args:
            loop: the event loop of the connections.
        """
        self.__loop = loop
        self.__abandoned = self.__forgotten = False
        # Transports inherited by a fork, kept because destroying one would emit a warning.
        self.__left: list[Any] = []
        # The connections handed out here, each with a check whether it is readable.
        self.__known: dict[Any, Callable[[], bool]] = {}

    @property
    def closed(self) -> bool:
        """Whether the connector is unusable; a session checks this before it warns at its end."""
        if self.__forgotten or self.__loop.is_closed():
            return True
        behind: Any = super()
        return bool(behind.closed)

    def abandon(self) -> None:
        """Never touch the connections again: they are another process's, or their loop is gone."""
        self.__abandoned = self.__forgotten = True

    def disown(self) -> None:
        """Leave the connections, after a fork, to the process that owns them.

        Closing one here would also remove it from the parent's kernel poll set.
        """
        self.abandon()
        self.__left = [protocol.transport for protocol in self.__known]
        for protocol in self.__known:
            protocol.transport = None

    def forget(self) -> None:
        """Record that nobody is left to close the connections; ``end`` still closes them."""
        self.__forgotten = True

    async def end(self) -> None:
        """Close the connections, unless they were abandoned."""
        behind: Any = super()
        if not self.__abandoned:
            await behind.close()

    async def connect(
        self, request: aiohttp.ClientRequest, *args: Any, **kwargs: Any
    ) -> aiohttp.connector.Connection:
        """Return a connection for a request: a live kept-alive one, or a new one."""
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
            # Skip a connection that was closed or has unsolicited data. Ask the kernel, because the
            # loop may have been blocked and not have noticed yet.
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
        known = {p: check for p, check in self.__known.items() if p.transport is not None}
        self.__known = {**known, connection.protocol: is_readable}
        return is_readable


class Connector(Watching, aiohttp.TCPConnector):  # type: ignore[misc]
    """The connector of the SDK's own session, on the running loop."""

    def __init__(self, ssl_context: ssl.SSLContext | None) -> None:
        self.watch(asyncio.get_running_loop())
        # The semaphore sets the limit: time spent queueing inside aiohttp would count as latency.
        behind: Any = super()
        behind.__init__(limit=0, ssl=ssl_context or True)

    def __del__(self, *_: object) -> None:
        """Do nothing: connections of a dead loop or another process are not ours to close."""


class _Behind:
    """A proxy that forwards everything to a connector."""

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
    """A proxy in front of the connector of a caller's session.

    Args:
        connector: the session's connector.
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
    """Return a trace that reports new connections to the current exchange."""

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
