"""The emulator's port: start, stop, and refuse connections during an outage."""

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
# Hosts that stand for all addresses of the machine, and the address to show instead.
_EVERYWHERE = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104  (only compared with)
# The backlog: clients beyond it retry their connection after a second.
_BACKLOG = 1024
# Bytes; paths up to this length are parsed, so a long unknown id is a 404.
_LONGEST_LINE = 65_536
# How long closing waits for open requests to finish, and then again for their cancellation.
_CLOSE_SECONDS = 0.1
# SO_LINGER with 0 seconds: close with a reset.
_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Listener:
    """A port with a server behind it, which can be paused.

    Args:
        serve: responds to a request.
        host: the address to listen on.
        port: the port to listen on; 0 for a free port, which differs at each start.
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
        # Keeps the port reserved while the server is paused.
        self._reserved: socket.socket | None = None
        self._end_of_outage: asyncio.Task[None] | None = None
        # Tasks of open requests; aiohttp forgets them when the client disconnects.
        self._serving: set[asyncio.Task[Any]] = set()
        self._changing = asyncio.Lock()

    @property
    def started(self) -> bool:
        """Whether it is started, paused or not."""
        return self._runner is not None

    @property
    def url(self) -> str:
        """The base URL."""
        if self._runner is None:
            raise ConfigurationError("the emulator is not started: start it first")
        host = _EVERYWHERE.get(self._host, self._host)
        scheme = "https" if self._certificate else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self._port}"

    async def start(self) -> None:
        """Start listening; does nothing if already started.

        Raises:
            ConfigurationError: the port cannot be used.
        """
        running_loop("the emulator")
        async with self._changing:
            if self._runner is None:
                self._lifetime = self._live()
                await anext(self._lifetime)

    async def aclose(self) -> None:
        """Stop listening and close open connections; does nothing if already stopped."""
        self._forget_outage()
        async with self._changing:
            if self._lifetime is not None:
                await self._lifetime.aclose()

    async def pause(self) -> None:
        """Refuse connections and reset open ones, until ``resume``."""
        self._forget_outage()
        async with self._changing:
            await self._stop_listening()

    async def resume(self) -> None:
        """Listen again on the same port; does nothing if not paused."""
        self._forget_outage()
        async with self._changing:
            await self._listen_again()

    def begin_outage(self, seconds: float) -> None:
        """Refuse connections and reset open ones for some seconds."""
        self._forget_outage()
        self._end_of_outage = asyncio.ensure_future(self._outage(seconds))

    async def _live(self) -> AsyncGenerator[None, None]:
        """Listen until closed: by aclose, or by the loop when it shuts down its generators."""
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
            if self._reserved is not None:
                self._reserved.close()
            self._runner, self._site, self._reserved = None, None, None
            await runner.cleanup()
            await self._end_serving()
            if self._certificate:
                self._certificate.remove_file()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  (coroutines run in tasks)
        self._serving.add(task)
        try:
            response: web.StreamResponse = await self._serve(request)
            return response
        finally:
            self._serving.discard(task)

    async def _end_serving(self) -> None:
        """Cancel responses that still wait for a fault's delay after their client is gone."""
        left = list(self._serving)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _outage(self, seconds: float) -> None:
        async with self._changing:
            await self._stop_listening()
        await asyncio.sleep(seconds)
        async with self._changing:
            await self._listen_again()

    def _forget_outage(self) -> None:
        if self._end_of_outage is not None:
            self._end_of_outage.cancel()
            self._end_of_outage = None

    async def _stop_listening(self) -> None:
        runner, site = self._runner, self._site
        if runner is None or site is None:
            return
        self._site = None
        await site.stop()
        self._reserved = _bound(self._host, self._port)
        for connection in runner.server.connections if runner.server else ():
            reset(connection.transport)

    async def _listen_again(self) -> None:
        if self._runner is not None and self._reserved is not None:
            reserved, self._reserved = self._reserved, None
            await self._listen(self._runner, reserved)

    async def _listen(self, runner: web.ServerRunner, bound: socket.socket) -> None:
        context = self._certificate.context if self._certificate else None
        self._site = web.SockSite(runner, bound, backlog=_BACKLOG, ssl_context=context)
        await self._site.start()


def reset(transport: asyncio.BaseTransport | None) -> None:
    """Reset a connection, so that the other end gets an error."""
    if isinstance(transport, asyncio.WriteTransport) and not transport.is_closing():
        connection: socket.socket = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
        transport.abort()


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to the port but not listening yet."""
    bound_socket: socket.socket | None = None
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound_socket = socket.socket(family, kind)
        # On Windows this would let two processes share the port.
        if os.name == "posix":
            bound_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound_socket.bind(address)
    except OSError as error:
        if bound_socket is not None:
            bound_socket.close()
        raise ConfigurationError(
            f"the emulator cannot listen on {host} port {port}: {error.strerror}; choose another "
            "address or port (port 0 picks a free one)"
        ) from None
    return bound_socket
