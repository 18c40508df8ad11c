"""A proxy on loopback that tunnels, or refuses to, and keeps what passes through it."""

from __future__ import annotations

import asyncio
import ssl

from .wire import Request, Wire, Writer


class Proxy(Wire):
    """The proxy: ``async with Proxy(port)``.

    Args:
        port: where on loopback every tunnel leads, whatever host was asked for; None leads to the
            port that was asked for.
        status: what it answers to CONNECT; a tunnel is opened with 200 only.
        tls: what it serves with, if it does itself speak TLS.
    """

    def __init__(
        self, port: int | None = None, *, status: int = 200, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(tls=tls)
        self._tunnels_to = port
        self._status = status
        # All that a client sent, the CONNECT included.
        self.passed = b""

    @property
    def targets(self) -> list[str]:
        return [request.target for request in self.requests]

    async def __aenter__(self) -> Proxy:
        await super().__aenter__()
        return self

    async def _one(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.passed += head
        request = Request(head[:-4], b"")
        self.requests.append(request)
        writer.write(f"HTTP/1.1 {self._status} Whatever\r\n\r\n".encode())
        await writer.drain()
        if self._status == 200:
            await self._tunnel(request.target, reader, writer)
        writer.close()

    async def _tunnel(self, target: str, reader: asyncio.StreamReader, writer: Writer) -> None:
        port = self._tunnels_to or int(target.rpartition(":")[2])
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
