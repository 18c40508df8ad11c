"""The connections of a client: one aiohttp session for each running event loop and process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import ssl
import weakref
from collections.abc import AsyncGenerator
from contextvars import ContextVar
from typing import Any

import aiohttp
import attrs
from aiohttp.client_proto import ResponseHandler

from ._time_limit import TimeLimits
from .errors import ConfigurationError

# The limit of time is ours alone: aiohttp's would count the wait for a connection too.
NO_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=None)
_CLOSE_SECONDS = 2.0
Lifetime = AsyncGenerator[aiohttp.ClientSession, None]


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


class _Request(aiohttp.ClientRequest):
    """A request that does not call the body that it does not have an octet-stream."""

    POST_METHODS = set[str]()  # noqa: RUF012


class _Connector(aiohttp.TCPConnector):
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


@attrs.frozen(eq=False)
class Pool:
    """What one event loop has of a client.

    Attributes:
        session: the aiohttp session.
        room: how many calls may be on the wire at once.
        slots: as many.
        time_limits: those of the calls on this loop.
        lifetime: ends with the loop, or by aclose(), and closes the session then; None for a
            session that is the caller's.
        guard: ends the lifetime of a client that is forgotten unclosed; it also keeps the session
            out of reach of the garbage collector, which would find it before its lifetime.
    """

    session: aiohttp.ClientSession
    room: int
    slots: asyncio.Semaphore
    time_limits: TimeLimits
    lifetime: Lifetime | None = None
    guard: weakref.finalize[..., Any] | None = None

    @property
    def is_lent(self) -> bool:
        """Whether the session is the caller's."""
        return self.lifetime is None

    def unguard(self) -> None:
        """Leave the session to whoever ends its lifetime now."""
        if self.guard is not None:
            self.guard.detach()


class Sessions:
    """All connections of a client.

    Args:
        max_connections: calls on the wire at once, for each event loop.
        secure: whether the calls go over TLS.
        ssl_context: what to trust; the system's certificates if None.
        lent: a session of the caller's, to use and never to close.
    """

    def __init__(
        self,
        *,
        max_connections: int,
        secure: bool,
        ssl_context: ssl.SSLContext | None,
        lent: aiohttp.ClientSession | None,
    ) -> None:
        self.max_connections = max_connections
        self._secure = secure
        self._ssl_context = ssl_context
        self.lent = lent
        self._closed = False
        self._pools: dict[asyncio.AbstractEventLoop, Pool] = {}
        _all_sessions.add(self)

    @property
    def closed(self) -> bool:
        """Whether no further call can be made."""
        return self._closed or (self.lent is not None and self.lent.closed)

    def opened(self) -> Pool | None:
        """Return the running loop's pool, or None before its first call.

        Raises:
            ConfigurationError: the client, or the session it was lent, is closed.
        """
        if self._closed:
            raise ConfigurationError("this client is closed: make a new one; nothing was sent")
        pool = self._pools.get(asyncio.get_running_loop())
        session = self.lent if pool is None else pool.session
        if session is not None and session.closed:
            raise ConfigurationError("the session given is closed; nothing was sent")
        return pool

    async def open(self) -> Pool:
        """Return a new pool for the running loop, which has none yet."""
        loop = asyncio.get_running_loop()
        for known in list(self._pools):
            if known.is_closed():
                self._pools.pop(known).unguard()
        pool = self._pools[loop] = await self._new_pool(loop)
        return pool

    async def aclose(self) -> None:
        """Close what this process opened; further calls are refused."""
        self._closed = True
        pools, self._pools = self._pools, {}
        here = asyncio.get_running_loop()
        for loop, pool in pools.items():
            pool.unguard()
            if pool.lifetime is None or loop.is_closed():
                continue
            if loop is here:
                await _end(pool.lifetime)
            else:
                # A session can be closed on its own loop only, and that one is another thread's.
                with contextlib.suppress(RuntimeError):
                    asyncio.run_coroutine_threadsafe(_end(pool.lifetime), loop)

    def forget(self) -> None:
        """Leave the connections to the process that this one was forked from."""
        for pool in self._pools.values():
            pool.unguard()
        _inherited.append(self._pools)
        self._pools = {}

    async def _new_pool(self, loop: asyncio.AbstractEventLoop) -> Pool:
        room, time_limits = self.max_connections, TimeLimits(loop)
        if self.lent is not None:
            room = _room(self.lent.connector, room)
            return Pool(self.lent, room, asyncio.Semaphore(room), time_limits)
        if self._secure and self._ssl_context is None:
            self._ssl_context = _system_trust()
        # A loop that ends, ends its async generators too: that closes the session in time.
        lifetime = _lifetime(self._ssl_context)
        session = await anext(lifetime)
        guard = weakref.finalize(self, _end_soon, lifetime, loop)
        guard.atexit = False
        return Pool(session, room, asyncio.Semaphore(room), time_limits, lifetime, guard)


def _room(connector: aiohttp.BaseConnector | None, most: int) -> int:
    """Return how many calls at once a lent session has room for, so that none waits inside it."""
    limits = (connector.limit, connector.limit_per_host) if connector is not None else ()
    return min([most, *(limit for limit in limits if limit)])


async def _lifetime(ssl_context: ssl.SSLContext | None) -> Lifetime:
    session = aiohttp.ClientSession(
        # The slots are the limit: a wait inside aiohttp would count as the server's slowness.
        connector=_Connector(limit=0, ssl=ssl_context or True),
        request_class=_Request,
        cookie_jar=aiohttp.DummyCookieJar(),
    )
    # aiohttp sends GET and DELETE again by itself, uncounted; our retries are the only ones.
    session._retry_connection = False  # pyright: ignore[reportPrivateUsage]
    try:
        yield session
    finally:
        await session.close()


def _system_trust() -> ssl.SSLContext:
    # Made when first needed: aiohttp's own is made at import, before SSL_CERT_FILE may be set.
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _end_soon(lifetime: Lifetime, loop: asyncio.AbstractEventLoop) -> None:
    # This may run on any thread, and as late as when the interpreter exits.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(lambda: loop.create_task(_end(lifetime)))


async def _end(lifetime: Lifetime) -> None:
    limits = TimeLimits(asyncio.get_running_loop())
    with contextlib.suppress(asyncio.TimeoutError), limits.limit(_CLOSE_SECONDS):
        await lifetime.aclose()


_all_sessions: weakref.WeakSet[Sessions] = weakref.WeakSet()
# Sessions of the parent process: to close one here would close it there.
_inherited: list[object] = []


def _forget_inherited() -> None:
    for sessions in list(_all_sessions):
        sessions.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_inherited)
