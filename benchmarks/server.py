"""A minimal server, so that the benchmark measures the client.

It responds to every ``POST …/primary`` with the same prepared record and checks nothing else. It
responds immediately, or after a delay to simulate a busy server.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .bodies import BODY

ROOT = Path(__file__).resolve().parent.parent
_END_OF_HEAD = b"\r\n\r\n"
# No body, so that a contender that requests the wrong path fails to parse it.
_REFUSAL = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def running(module: str = "benchmarks.server", *arguments: str) -> Iterator[str]:
    """Run the server in a separate process, and yield its origin.

    Args:
        module: the server's module.
        arguments: its command-line arguments.
    """
    # The server runs in its own session, so Ctrl-C does not reach it. It exits when its stdin is
    # closed, which happens no matter how this process ends.
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield f"http://127.0.0.1:{_port(process)}"
        finally:
            process.terminate()


def _port(process: subprocess.Popen[str]) -> int:
    said = process.stdout.readline() if process.stdout else ""
    if not said:
        raise RuntimeError("the server did not start")
    return int(said)


class Connection(asyncio.Protocol):
    """One connection, which responds to each request head with the prepared response."""

    def __init__(self, answer: bytes, delay: float = 0.0) -> None:
        self._answer = answer
        self._delay = delay
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        head, end, rest = (self._unread + data).partition(_END_OF_HEAD)
        while end:
            self._write(self.answer_to(head))
            head, end, rest = rest.partition(_END_OF_HEAD)
        self._unread = head

    def _write(self, answer: bytes) -> None:
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._transport.write, answer)
        else:
            self._transport.write(answer)

    def answer_to(self, head: bytes) -> bytes:
        """Return the response to a request with this head."""
        method, target, _ = head.split(b" ", 2)
        return self._answer if method == b"POST" and target.endswith(b"/primary") else _REFUSAL


def prepared() -> bytes:
    """Return the prepared response with head and body."""
    lines = [
        "HTTP/1.1 200 OK",
        "Content-Type: application/json",
        f"Content-Length: {len(BODY)}",
        "Connection: keep-alive",
    ]
    return "\r\n".join(lines).encode() + _END_OF_HEAD + BODY


async def serve(connection: Callable[[], asyncio.Protocol]) -> None:
    """Listen on a free port, print it, and serve until stdin is closed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(connection, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    given, seconds = prepared(), float(sys.argv[1]) if sys.argv[1:] else 0.0
    asyncio.run(serve(lambda: Connection(given, seconds)))
