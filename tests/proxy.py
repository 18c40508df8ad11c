"""A proxy on loopback that tunnels, or refuses to, and keeps what passes through it."""

from __future__ import annotations

import asyncio
import ssl
from types import TracebackType

from .wire import Request, Writer


class Proxy:
    """The proxy: ``async with Proxy(port=…)``.

    Args:
        port: where on loopback every tunnel leads, whatever host was asked for; None leads to the
            port that was asked for.
        status: what it answers to CONNECT; a tunnel is opened with 200 only.
        tls: what it serves with, if it does itself speak TLS.
    """

    def __init__(
        self, port: int | None = None, *, status: int = 200, tls: ssl.SSLContext | None = None
    ) -> None:
        self._port = port
        self._status = status
        self._tls = tls
        self.requests: list[Request] = []
        # All that a client sent, the CONNECT included.
        self.passed = b""

    @property
    def targets(self) -> list[str]:
        return [request.target for request in self.requests]

    async def __aenter__(self) -> Proxy:
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = (
            f"https://localhost:{self.port}" if self._tls else f"http://127.0.0.1:{self.port}"
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            await self._connect(reader, writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            pass
        finally:
            writer.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.passed += head
        request = Request(head[:-4], b"")
        self.requests.append(request)
        writer.write(f"HTTP/1.1 {self._status} Whatever\r\n\r\n".encode())
        await writer.drain()
        if self._status == 200:
            await self._tunnel(request.target, reader, writer)

    async def _tunnel(self, target: str, reader: asyncio.StreamReader, writer: Writer) -> None:
        port = self._port or int(target.rpartition(":")[2])
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.gather(
                self._pipe(reader, server_writer, record=True), self._pipe(server_reader, writer)
            )
        finally:
            server_writer.close()

    async def _pipe(
        self, reader: asyncio.StreamReader, writer: Writer, *, record: bool = False
    ) -> None:
        while data := await reader.read(65536):
            if record:
                self.passed += data
            writer.write(data)
            await writer.drain()
        writer.close()
