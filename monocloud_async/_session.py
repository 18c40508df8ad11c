"""The connections of a client: one aiohttp session for each running event loop and process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import weakref
from collections.abc import AsyncGenerator
from contextvars import ContextVar
from typing import Any

import aiohttp
import attrs
from aiohttp.client_proto import ResponseHandler

from ._time_limit import time_limit
from .errors import ConfigurationError
from .response import Headers

_CLOSE_SECONDS = 2.0
Lifetime = AsyncGenerator[aiohttp.ClientSession, None]


@attrs.define
class Progress:
    """How far one exchange has come.

    Attributes:
        has_connection: whether it got a connection, so that the request may have been sent.
        kept_connection: whether that was one kept from an earlier call.
        status: the status of the answer, once it began.
        headers: the answer's headers, likewise.
    """

    has_connection: bool = False
    kept_connection: bool = False
    status: int = 0
    headers: Headers = attrs.field(factory=Headers)


# How the connector, deep inside aiohttp, tells the exchange that it serves.
progress: ContextVar[Progress] = ContextVar("monocloud_progress")


class _Connector(aiohttp.TCPConnector):
    """A connector that takes note of how far an exchange has come."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[aiohttp.tracing.Trace],
        timeout: aiohttp.ClientTimeout,
    ) -> aiohttp.connector.Connection:
        state = progress.get()
        state.kept_connection = True
        connection = await super().connect(req, traces, timeout)
        state.has_connection = True
        return connection

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


@attrs.frozen(eq=False)
class Pool:
    """What one event loop has of a client.

    Attributes:
        session: the aiohttp session.
        slots: as many as there may be calls on the wire at once.
        lifetime: ends with the loop, or by aclose(), and closes the session then; None for a
            session that is the caller's.
        guard: ends the lifetime of a client that is forgotten unclosed; it also keeps the session
            out of reach of the garbage collector, which would find it before its lifetime.
    """

    session: aiohttp.ClientSession
    slots: asyncio.Semaphore
    lifetime: Lifetime | None = None
    guard: weakref.finalize[..., Any] | None = None

    def unguard(self) -> None:
        """Leave the session to whoever ends its lifetime now."""
        if self.guard is not None:
            self.guard.detach()

    def abandon(self) -> None:
        """Leave the session as it is, for good; one that is the caller's is the caller's affair."""
        self.unguard()
        connector = self.session.connector
        if isinstance(connector, _Connector):
            connector.abandon()


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

    async def pool(self) -> Pool:
        """Return the running loop's pool, opened now if this is its first call.

        Raises:
            ConfigurationError: the client, or the session it was lent, is closed.
        """
        loop = asyncio.get_running_loop()
        if self._closed:
            raise ConfigurationError("this client is closed: make a new one; nothing was sent")
        pool = self._pools.get(loop)
        if pool is None:
            pool = self._pools[loop] = await self._open()
        if pool.session.closed:
            raise ConfigurationError("the session given is closed; nothing was sent")
        return pool

    async def aclose(self) -> None:
        """Close what this process opened; further calls are refused."""
        self._closed = True
        pools, self._pools = self._pools, {}
        for loop, pool in pools.items():
            pool.unguard()
            if pool.lifetime is None:
                continue
            if loop.is_closed():
                pool.abandon()
            elif loop is asyncio.get_running_loop():
                await _end(pool.lifetime)
            else:
                # A session can be closed on its own loop only, and that one is another thread's.
                with contextlib.suppress(RuntimeError):
                    asyncio.run_coroutine_threadsafe(_end(pool.lifetime), loop)

    def forget(self) -> None:
        """Leave the connections to the process that this one was forked from."""
        for pool in self._pools.values():
            pool.abandon()
        _inherited.append(self._pools)
        self._pools = {}

    async def _open(self) -> Pool:
        self._drop_ended()
        slots = asyncio.Semaphore(self.max_connections)
        if self.lent is not None:
            _refuse_elsewhere(self.lent)
            return Pool(self.lent, slots)
        # A loop that ends, ends its async generators too: that closes the session in time.
        if self._secure and self._ssl_context is None:
            self._ssl_context = _system_trust()
        lifetime = _lifetime(self._ssl_context)
        session = await anext(lifetime)
        guard = weakref.finalize(self, _end_soon, lifetime, asyncio.get_running_loop())
        guard.atexit = False
        return Pool(session, slots, lifetime, guard)

    def _drop_ended(self) -> None:
        for loop in list(self._pools):
            if loop.is_closed():
                # Another thread, whose loop begins too, may have done it in between.
                pool = self._pools.pop(loop, None)
                if pool is not None:
                    pool.abandon()


async def _lifetime(ssl_context: ssl.SSLContext | None) -> Lifetime:
    session = aiohttp.ClientSession(
        # The slots are the limit: a wait inside aiohttp would count as the server's slowness.
        connector=_Connector(limit=0, ssl=ssl_context or True),
        cookie_jar=aiohttp.DummyCookieJar(),
    )
    # aiohttp sends GET and DELETE again by itself, uncounted; our retries are the only ones.
    session._retry_connection = False  # pyright: ignore[reportPrivateUsage]
    try:
        yield session
    finally:
        await session.close()


def _refuse_elsewhere(lent: aiohttp.ClientSession) -> None:
    # Its connections would answer to the other loop; after a fork, even to the parent process.
    if lent._loop is not asyncio.get_running_loop():  # pyright: ignore[reportPrivateUsage]
        raise ConfigurationError(
            "the session given belongs to another event loop, or to the process before a fork: "
            "give one made here, or none; nothing was sent"
        )


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
    with contextlib.suppress(asyncio.TimeoutError):
        async with time_limit(_CLOSE_SECONDS):
            await lifetime.aclose()


_all_sessions: weakref.WeakSet[Sessions] = weakref.WeakSet()
# Sessions of the parent process: to close one here would close it there.
_inherited: list[object] = []


def _forget_inherited() -> None:
    for sessions in list(_all_sessions):
        sessions.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_inherited)
