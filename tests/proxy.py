"""A loopback proxy that opens or refuses tunnels, and records what passes through them."""

from __future__ import annotations

import asyncio
import ssl

from .wire import Request, Wire, Writer


class Proxy(Wire):
    """The proxy: ``async with Proxy(port)``.

    Args:
        port: the loopback port that every tunnel leads to, whatever host was requested; None leads
            to the requested port.
        status: the answer to CONNECT; only 200 opens a tunnel.
        tls: the TLS context of the proxy itself, if it speaks TLS.
    """

    def __init__(
        self, port: int | None = None, *, status: int = 200, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(tls=tls)
        self._tunnel_port = port
        self._status = status
        # All bytes that a client sent, including the CONNECT request.
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
        port = self._tunnel_port or int(target.rpartition(":")[2])
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
