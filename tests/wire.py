"""A loopback server that follows a script, one step per request, and records what it receives."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

RECORDS = Path(__file__).parent / "records"
PAGE: dict[str, Any] = json.loads((RECORDS / "page.json").read_text())
TODAY: dict[str, Any] = json.loads((RECORDS / "today.json").read_text())

Writer = asyncio.StreamWriter
Step = Callable[[Writer], Awaitable[None]]


def answer(status: int = 200, body: object = PAGE, **headers: str) -> Step:
    """Answer with JSON, or with the given bytes unchanged."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {
        "Content-Type": "application/json" if status < 300 else "application/problem+json",
        "Content-Length": str(len(content)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return raw(f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + content)


def problem(status: int, title: str = "No", **members: object) -> Step:
    return answer(status, {"title": title, "status": status, **members})


def raw(data: bytes) -> Step:
    async def step(writer: Writer) -> None:
        writer.write(data)
        await writer.drain()

    return step


async def close(writer: Writer) -> None:
    writer.close()


async def reset(writer: Writer) -> None:
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def half_close(writer: Writer) -> None:
    """Announce the end of the stream, and keep reading."""
    writer.write_eof()


async def silence(writer: Writer) -> None:
    """Never answer; the connection stays open until the client closes it."""


def then_close(step: Step) -> Step:
    async def steps(writer: Writer) -> None:
        await step(writer)
        writer.close()

    return steps


class Request:
    """One request as received, byte for byte."""

    def __init__(self, head: bytes, body: bytes) -> None:
        self.line, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = self.line.split(" ")
        self.headers = dict(line.split(": ", 1) for line in lines if line)
        self.header_names = [line.split(":", 1)[0].lower() for line in lines if line]
        self.body = body


class Wire:
    """The server: ``async with Wire(step, step, …)``; the last step repeats for further requests.

    Attributes:
        requests: the requests received, in order.
        connections: the number of connections accepted.
        used: the connections that carried a request; a stranger that still calls the port's
            previous owner sends none.
        open: the connections that are open now.
        arrived: set once a request has arrived.
        left: set once a client has disconnected.
        loop: the server's event loop, if it is not the caller's.
    """

    def __init__(self, *steps: Step, tls: ssl.SSLContext | None = None) -> None:
        self._steps = list(steps)
        self.tls = tls
        self.requests: list[Request] = []
        self.connections = 0
        self.used: set[Writer] = set()
        self.open: set[Writer] = set()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.arrived = asyncio.Event()
        self.left = asyncio.Event()

    def script(self, *steps: Step) -> None:
        """Follow these steps from now on."""
        self._steps = list(steps)

    async def __aenter__(self) -> Wire:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        # The certificate names a host, but a request without TLS needs no name lookup.
        self.url = f"https://localhost:{self.port}" if self.tls else f"http://127.0.0.1:{self.port}"
        self._tasks: set[asyncio.Task[None]] = set()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # asyncio may not have handled the latest connection yet; if the server closes first,
        # asyncio leaves its socket open.
        for _ in range(10):
            await asyncio.sleep(0)
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        self.connections += 1
        self.open.add(writer)
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            while not writer.is_closing():
                await self._one(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.left.set()
        except asyncio.CancelledError:
            pass
        finally:
            self.open.discard(writer)
            writer.close()

    async def on_open(self, step: Step) -> None:
        """Take this step on every open connection, whatever it is waiting for."""
        for writer in list(self.open):
            await step(writer)

    def on_open_from_outside(self, step: Step) -> None:
        """Take this step from another thread, and block until it is done."""
        assert self.loop
        asyncio.run_coroutine_threadsafe(self.on_open(step), self.loop).result(10)

    async def _one(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        self.requests.append(Request(head[:-4], await reader.readexactly(length)))
        self.used.add(writer)
        self.arrived.set()
        step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
        await step(writer)


async def seen(condition: Callable[[], bool]) -> None:
    """Let the loop run until a server on this loop has seen something."""
    while not condition():  # noqa: ASYNC110  (no event announces it)
        await asyncio.sleep(0)


@contextmanager
def served(*steps: Step) -> Iterator[Wire]:
    """Serve from a separate thread, for blocking clients."""
    wire = Wire(*steps)
    wire.loop = loop = asyncio.new_event_loop()
    ready = threading.Event()
    stop = asyncio.Event()

    async def serve() -> None:
        async with wire:
            ready.set()
            await stop.wait()

    def run() -> None:
        loop.run_until_complete(serve())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait()
    try:
        yield wire
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
