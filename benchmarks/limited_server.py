"""The small server with a rate limit: a token bucket, and 429 with ``Retry-After: 1``."""

from __future__ import annotations

import asyncio
import sys
import time

from .server import Connection, prepared, serve

REFUSAL = (
    b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/problem+json\r\n"
    b"Retry-After: 1\r\nContent-Length: 2\r\n\r\n{}"
)


class Bucket:
    """A token bucket: ``rate`` calls per second, with a burst."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._last = burst, time.monotonic()

    def take(self) -> bool:
        """Return whether another call is allowed."""
        now = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._last) * self._rate)
        self._last = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class LimitedConnection(Connection):
    """One connection, subject to the shared limit."""

    def __init__(self, answer: bytes, bucket: Bucket) -> None:
        super().__init__(answer)
        self._bucket = bucket

    def answer_to(self, head: bytes) -> bytes:
        return super().answer_to(head) if self._bucket.take() else REFUSAL


if __name__ == "__main__":
    answer, bucket = prepared(), Bucket(float(sys.argv[1]), float(sys.argv[2]))
    asyncio.run(serve(lambda: LimitedConnection(answer, bucket)))
