"""The connections of a client: one aiohttp session for each running event loop and process."""

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
    """What one event loop has of a client.

    Attributes:
        session: the aiohttp session that the calls go through.
        connector: that session's.
        room: how many calls may be on the wire at once.
        slots: as many.
        time_limits: those of the calls on this loop.
        lifetime: ends with the loop, or by aclose(), and closes the session then; None for a
            session that is the caller's.
        guard: ends the lifetime of a client that is forgotten unclosed; it also keeps the session
            out of reach of the garbage collector, which would find it before its lifetime.
        lent: the session of the caller's, if there is one.
        closing: is set when the client is closed.
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
        """Leave the session to the code that ends its lifetime now."""
        if self.guard is not None:
            self.guard.detach()

    def abandon(self) -> None:
        """Leave the connections as they are, for good; a lent session's are the caller's."""
        self.unguard()
        self.connector.abandon()


class Sessions:
    """All connections of a client.

    Args:
        max_connections: calls on the wire at once, for each event loop.
        secure: whether the calls go over TLS.
        ssl_context: what to trust; the system's certificates if None.
        lent: a session of the caller's, to use and never to close.
        direct: whether no proxy is wanted, not even that of a lent session.
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
        """Whether no further call can be made."""
        return self._closed or (self.lent is not None and self.lent.closed)

    def opened(self) -> Pool | None:
        """Return the running loop's pool, or None before its first call.

        Raises:
            ConfigurationError: the client, or the session it was lent, is closed.
        """
        if self._closed:
            raise ConfigurationError("this client is closed: make a new one; nothing was sent")
        if self.lent is not None and self.lent.closed:
            raise ConfigurationError("the session given is closed; nothing was sent")
        return self._pools.get(running_loop())

    async def open(self) -> Pool:
        """Return a new pool for the running loop, which has none yet.

        Raises:
            ConfigurationError: the client was closed meanwhile, or its session is another loop's.
        """
        loop = asyncio.get_running_loop()
        self._drop_ended()
        pool = self._pools[loop] = await self._new_pool(loop)
        if self._closed:
            # By another thread, in between, which may not have seen this pool.
            await self.aclose()
            self.opened()
        return pool

    def refuse(self) -> bool:
        """Refuse further calls, on any thread, and return whether anything is open."""
        self._closed = True
        return bool(self._pools)

    async def aclose(self) -> None:
        """Close what this process opened; further calls are refused."""
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
                # A session can be closed on its own loop only, and that one is another thread's.
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
        """At the end of the program, leave the connections of loops that nobody closed."""
        for loop, pool in list(self._pools.items()):
            if not loop.is_running():
                pool.connector.forget()

    def _drop_ended(self) -> None:
        for loop in list(self._pools):
            if loop.is_closed():
                # Another thread, whose loop begins too, may have done it in between.
                pool = self._pools.pop(loop, None)
                if pool is not None:
                    pool.abandon()

    async def _new_pool(self, loop: asyncio.AbstractEventLoop) -> Pool:
        room, time_limits = self.max_connections, TimeLimits(loop)
        if self.lent is not None:
            session, connector = twin_of(self.lent, secure=self._secure, direct=self._direct)
            room = _room(connector, room)
            # A twin needs no close: do not warn of one that was forgotten.
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
        # A loop that ends, ends its async generators too: that closes the session in time.
        lifetime = _lifetime(self._ssl_context)
        session, own = await anext(lifetime)
        guard = weakref.finalize(self, _end_soon, lifetime, own, loop)
        guard.atexit = False
        return Pool(session, own, room, Semaphore(room), time_limits, lifetime, guard)


def running_loop(needed_by: str = "this client") -> asyncio.AbstractEventLoop:
    """Return the event loop that runs here.

    Args:
        needed_by: what needs it, for the message.

    Raises:
        ConfigurationError: none does.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise ConfigurationError(
            f"{needed_by} needs a running asyncio event loop, and none runs here: call it "
            "within asyncio.run(...), not under trio; for code without async there is "
            "monocloud_sync; nothing was sent"
        ) from None


def _room(connector: Any, most: int) -> int:
    """Return how many calls at once a lent session has room for, so that none waits inside it."""
    limits: tuple[int, int] = connector.limit, connector.limit_per_host
    return min([most, *(limit for limit in limits if limit)])


async def _lifetime(ssl_context: ssl.SSLContext | None) -> Lifetime:
    connector = Connector(ssl_context)
    session = aiohttp.ClientSession(connector=connector, cookie_jar=NoCookies(), **FOR_CALLS)
    try:
        yield session, connector
    finally:
        await connector.end()


def _system_trust() -> ssl.SSLContext:
    # Made when first needed: aiohttp's own is made at import, before SSL_CERT_FILE may be set.
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _end_soon(lifetime: Lifetime, connector: Watching, loop: asyncio.AbstractEventLoop) -> None:
    connector.forget()
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


def _forget_idle() -> None:
    for sessions in list(_all_sessions):
        sessions.forget_idle()


atexit.register(_forget_idle)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_inherited)
