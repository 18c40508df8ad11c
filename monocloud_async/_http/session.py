"""The connections of a client: one aiohttp session per running event loop and process."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import ssl
import weakref
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import attrs

from .._semaphore import Semaphore
from .._time_limit import TimeLimits
from ..errors import ConfigurationError
from .connector import Connector, NoCookies, Watching
from .lent import FOR_CALLS, twin_of

_CLOSE_SECONDS = 2.0
Lifetime = AsyncGenerator[tuple[aiohttp.ClientSession, Watching], None]


@attrs.frozen(eq=False)
class Pool:
    """The connections of a client on one event loop.

    Attributes:
        session: the aiohttp session for the calls.
        connector: the session's connector.
        room: the maximum number of concurrent requests.
        slots: a semaphore with that many places.
        time_limits: the time limits of the calls on this loop.
        lifetime: an async generator that closes the session when the loop ends or on aclose().
            None for a caller's session.
        guard: closes the session of a client that is garbage-collected unclosed. It also keeps
            the session alive until then.
        lent: the caller's session, if there is one.
        closing: set when the client is closed.
    """

    session: aiohttp.ClientSession
    connector: Watching
    room: int
    slots: Semaphore
    time_limits: TimeLimits
    lifetime: Lifetime | None = None
    guard: weakref.finalize[..., Any] | None = None
    lent: aiohttp.ClientSession | None = None
    closing: asyncio.Event = attrs.field(factory=asyncio.Event)

    def unguard(self) -> None:
        """Hand responsibility for the session to the code that is closing it."""
        if self.guard is not None:
            self.guard.detach()

    def abandon(self) -> None:
        """Leave the connections alone for good; a caller's session keeps its own."""
        self.unguard()
        self.connector.abandon()


class Sessions:
    """All connections of a client.

    Args:
        max_connections: the maximum number of concurrent requests per event loop.
        secure: whether the calls use TLS.
        ssl_context: the TLS settings. None trusts the system's certificates.
        lent: a session of the caller, to use but never close.
        direct: whether to use no proxy, not even that of a caller's session.
    """

    def __init__(
        self,
        *,
        max_connections: int,
        secure: bool,
        ssl_context: ssl.SSLContext | None,
        lent: aiohttp.ClientSession | None,
        direct: bool = False,
    ) -> None:
        self.max_connections = max_connections
        self._secure = secure
        self._ssl_context = ssl_context
        self.lent = lent
        self._direct = direct
        self._closed = False
        self._pools: dict[asyncio.AbstractEventLoop, Pool] = {}
        _all_sessions.add(self)

    @property
    def closed(self) -> bool:
        """Whether no more calls can be made."""
        return self._closed or (self.lent is not None and self.lent.closed)

    def opened(self) -> Pool | None:
        """Return the running loop's pool, or None before its first call.

        Raises:
            ConfigurationError: the client or the caller's session is closed.
        """
        if self._closed:
            raise ConfigurationError("this client is closed; nothing was sent: create a new one")
        if self.lent is not None and self.lent.closed:
            raise ConfigurationError("the session passed to the client is closed; nothing was sent")
        return self._pools.get(running_loop())

    async def open(self) -> Pool:
        """Create the pool of the running loop.

        Raises:
            ConfigurationError: the client was closed in the meantime, or the session belongs to
                another loop.
        """
        loop = asyncio.get_running_loop()
        self._drop_ended()
        pool = self._pools[loop] = await self._new_pool(loop)
        if self._closed:
            # Another thread closed the client in the meantime, and may not have seen this pool.
            await self.aclose()
            self.opened()
        return pool

    def refuse(self) -> bool:
        """Refuse further calls on all threads, and return whether anything is open."""
        self._closed = True
        return bool(self._pools)

    async def aclose(self) -> None:
        """Close what this process opened, and refuse further calls."""
        self._closed = True
        pools, self._pools = self._pools, {}
        for loop, pool in pools.items():
            pool.unguard()
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(pool.closing.set)
            if pool.lifetime is None or loop.is_closed():
                pool.abandon()
            elif loop is asyncio.get_running_loop():
                await _end(pool.lifetime)
            else:
                # A session can be closed only on its own loop, which another thread runs.
                with contextlib.suppress(RuntimeError):
                    asyncio.run_coroutine_threadsafe(_end(pool.lifetime), loop)

    def forget(self) -> None:
        """Leave the connections to the process that this one was forked from."""
        for pool in self._pools.values():
            pool.unguard()
            pool.connector.disown()
        _inherited.append(self._pools)
        self._pools = {}

    def forget_idle(self) -> None:
        """At interpreter exit, leave the connections of loops that nobody closed."""
        for loop, pool in list(self._pools.items()):
            if not loop.is_running():
                pool.connector.forget()

    def _drop_ended(self) -> None:
        for loop in list(self._pools):
            if loop.is_closed():
                # Another thread may have done it in the meantime.
                pool = self._pools.pop(loop, None)
                if pool is not None:
                    pool.abandon()

    async def _new_pool(self, loop: asyncio.AbstractEventLoop) -> Pool:
        room, time_limits = self.max_connections, TimeLimits(loop)
        if self.lent is not None:
            session, connector = twin_of(self.lent, secure=self._secure, direct=self._direct)
            room = _room(connector, room)
            # A twin need not be closed, so do not warn about a forgotten one.
            given_up = weakref.finalize(self, connector.abandon)
            return Pool(
                session,
                connector,
                room,
                Semaphore(room),
                time_limits,
                guard=given_up,
                lent=self.lent,
            )
        if self._secure and self._ssl_context is None:
            self._ssl_context = _system_trust()
        # A loop shuts down its async generators when it ends, which closes the session in time.
        lifetime = _lifetime(self._ssl_context)
        session, own = await anext(lifetime)
        guard = weakref.finalize(self, _end_soon, lifetime, own, loop)
        guard.atexit = False
        return Pool(session, own, room, Semaphore(room), time_limits, lifetime, guard)


def running_loop(needed_by: str = "this client") -> asyncio.AbstractEventLoop:
    """Return the running event loop.

    Args:
        needed_by: what needs it, for the error message.

    Raises:
        ConfigurationError: no event loop is running.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise ConfigurationError(
            f"{needed_by} needs a running asyncio event loop, but none is running here: call it "
            "within asyncio.run(...), not under trio, or use monocloud_sync in code without async; "
            "nothing was sent"
        ) from None


def _room(connector: Any, maximum: int) -> int:
    """Return how many concurrent calls a caller's session allows, so that none waits inside it."""
    limits: tuple[int, int] = connector.limit, connector.limit_per_host
    return min([maximum, *(limit for limit in limits if limit)])


async def _lifetime(ssl_context: ssl.SSLContext | None) -> Lifetime:
    connector = Connector(ssl_context)
    session = aiohttp.ClientSession(connector=connector, cookie_jar=NoCookies(), **FOR_CALLS)
    try:
        yield session, connector
    finally:
        await connector.end()


def _system_trust() -> ssl.SSLContext:
    # Created on demand: aiohttp creates its own at import, before SSL_CERT_FILE may be set.
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _end_soon(lifetime: Lifetime, connector: Watching, loop: asyncio.AbstractEventLoop) -> None:
    connector.forget()
    # This may run on any thread, and as late as interpreter exit.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(lambda: loop.create_task(_end(lifetime)))


async def _end(lifetime: Lifetime) -> None:
    limits = TimeLimits(asyncio.get_running_loop())
    with contextlib.suppress(asyncio.TimeoutError), limits.limit(_CLOSE_SECONDS):
        await lifetime.aclose()


_all_sessions: weakref.WeakSet[Sessions] = weakref.WeakSet()
# Sessions of the parent process, kept because closing one here would close it there.
_inherited: list[object] = []


def _forget_inherited() -> None:
    for sessions in list(_all_sessions):
        sessions.forget()


def _forget_idle() -> None:
    for sessions in list(_all_sessions):
        sessions.forget_idle()


atexit.register(_forget_idle)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_inherited)
