"""Where an emulator listens, and when it does not."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import AsyncGenerator
from typing import Any

from aiohttp import web

from .._http import running_loop
from ..errors import ConfigurationError
from .certificate import Certificate

LOOPBACK = "127.0.0.1"
# Hosts that stand for all addresses of the machine, and how it calls itself then.
_EVERYWHERE = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104  (it is compared with)
# How many clients may connect at once, before some have to try again a second later.
_BACKLOG = 1024
# Bytes; a path of that length is still one, and no such user is a 404.
_LONGEST_LINE = 65_536
# How long closing waits for requests that are not over, twice: for them, then for their end.
_CLOSE_SECONDS = 0.1
# Closing at once, without a word that all was sent.
_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Listener:
    """A port with a server behind it; it can be deaf for a while.

    Args:
        serve: what answers a request.
        host: the address to listen on.
        port: where to listen; 0 for a free port, another one at each start.
        certificate: the certificate for https; None for http.
    """

    def __init__(
        self, serve: Any, host: str, port: int, certificate: Certificate | None = None
    ) -> None:
        self._serve = serve
        self._host = host
        self._wanted = port
        self._certificate = certificate
        self._port = 0
        self._lifetime: AsyncGenerator[None, None] | None = None
        self._runner: web.ServerRunner | None = None
        self._site: web.SockSite | None = None
        # The port while nobody listens on it, so that nobody else takes it.
        self._held: socket.socket | None = None
        self._end_of_outage: asyncio.Task[None] | None = None
        # Those that answer a request now; aiohttp forgets them when their client goes away.
        self._serving: set[asyncio.Task[Any]] = set()
        self._changing = asyncio.Lock()

    @property
    def started(self) -> bool:
        """Whether there is a port, be it deaf or not."""
        return self._runner is not None

    @property
    def url(self) -> str:
        """Where it listens."""
        if self._runner is None:
            raise ConfigurationError("the emulator is not started")
        host = _EVERYWHERE.get(self._host, self._host)
        scheme = "https" if self._certificate else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self._port}"

    async def start(self) -> None:
        """Listen; nothing happens if it does already.

        Raises:
            ConfigurationError: the port cannot be used.
        """
        running_loop("the emulator")
        async with self._changing:
            if self._runner is None:
                self._lifetime = self._live()
                await anext(self._lifetime)

    async def aclose(self) -> None:
        """Stop listening, and end what is open; nothing happens if it is stopped already."""
        self._forget_outage()
        async with self._changing:
            if self._lifetime is not None:
                await self._lifetime.aclose()

    async def pause(self) -> None:
        """Refuse connections, and reset those that are open, until ``resume``."""
        self._forget_outage()
        async with self._changing:
            await self._go_deaf()

    async def resume(self) -> None:
        """Listen again, on the same port; nothing happens if it does already."""
        self._forget_outage()
        async with self._changing:
            await self._hear_again()

    def begin_outage(self, seconds: float) -> None:
        """Refuse connections, and reset those that are open, for some seconds from now."""
        self._forget_outage()
        self._end_of_outage = asyncio.ensure_future(self._outage(seconds))

    async def _live(self) -> AsyncGenerator[None, None]:
        """Listen until this is closed: by aclose, or by the loop, which ends its generators too."""
        listening = _bound(self._host, self._wanted)
        self._port = listening.getsockname()[1]
        server = web.Server(self._answer, access_log=None, max_line_size=_LONGEST_LINE)
        runner = web.ServerRunner(server, shutdown_timeout=_CLOSE_SECONDS)
        await runner.setup()
        self._runner = runner
        try:
            await self._listen(runner, listening)
            yield
        finally:
            if self._held is not None:
                self._held.close()
            self._runner, self._site, self._held = None, None, None
            await runner.cleanup()
            await self._end_serving()
            if self._certificate:
                self._certificate.remove_file()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  (a coroutine runs in one)
        self._serving.add(task)
        try:
            response: web.StreamResponse = await self._serve(request)
            return response
        finally:
            self._serving.discard(task)

    async def _end_serving(self) -> None:
        """End the answers that wait for a fault's delay, though nobody waits for them any more."""
        left = list(self._serving)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _outage(self, seconds: float) -> None:
        async with self._changing:
            await self._go_deaf()
        await asyncio.sleep(seconds)
        async with self._changing:
            await self._hear_again()

    def _forget_outage(self) -> None:
        if self._end_of_outage is not None:
            self._end_of_outage.cancel()
            self._end_of_outage = None

    async def _go_deaf(self) -> None:
        runner, site = self._runner, self._site
        if runner is None or site is None:
            return
        self._site = None
        await site.stop()
        self._held = _bound(self._host, self._port)
        for connection in runner.server.connections if runner.server else ():
            reset(connection.transport)

    async def _hear_again(self) -> None:
        if self._runner is not None and self._held is not None:
            held, self._held = self._held, None
            await self._listen(self._runner, held)

    async def _listen(self, runner: web.ServerRunner, bound: socket.socket) -> None:
        context = self._certificate.context if self._certificate else None
        self._site = web.SockSite(runner, bound, backlog=_BACKLOG, ssl_context=context)
        await self._site.start()


def reset(transport: asyncio.BaseTransport | None) -> None:
    """Break a connection off, so that its other end is told so by an error."""
    if isinstance(transport, asyncio.WriteTransport) and not transport.is_closing():
        connection: socket.socket = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
        transport.abort()


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket that has the port, and does not listen yet."""
    made: socket.socket | None = None
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind)
        # On Windows this would let two listen on one port.
        if os.name == "posix":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except OSError as error:
        if made is not None:
            made.close()
        raise ConfigurationError(
            f"the emulator cannot listen on port {port} of {host}: {error.strerror}"
        ) from None
    return made
