"""The small server with a memory: it counts calls by user, with or without a rate limit."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter

import attrs

from .limited_server import REFUSAL, Bucket
from .server import Connection, prepared, serve


@attrs.define
class Memory:
    """What the server has seen.

    Attributes:
        users: applied calls by user.
        refused: refused calls.
        first: when the first call came.
        last: when the last call was applied.
    """

    users: Counter[bytes] = attrs.field(factory=Counter[bytes])
    refused: int = 0
    first: float = 0.0
    last: float = 0.0

    def report(self) -> bytes:
        """Return the totals as a response."""
        counts = {
            "users": len(self.users),
            "applied": self.users.total(),
            "refused": self.refused,
            "seconds": self.last - self.first,
        }
        body = json.dumps(counts).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body


class CountingConnection(Connection):
    """One connection, whose calls are counted.

    Args:
        answer: the prepared response.
        memory: what the server has seen.
        bucket: the rate limit; None for no limit.
    """

    def __init__(self, answer: bytes, memory: Memory, bucket: Bucket | None) -> None:
        super().__init__(answer)
        self._memory = memory
        self._bucket = bucket

    def answer_to(self, head: bytes) -> bytes:
        memory, now = self._memory, time.monotonic()
        if head.startswith(b"GET /counts "):
            return memory.report()
        memory.first = memory.first or now
        if self._bucket is not None and not self._bucket.take():
            memory.refused += 1
            return REFUSAL
        memory.users[head.split(b"/", 4)[3]] += 1
        memory.last = now
        return super().answer_to(head)


if __name__ == "__main__":
    answer, memory = prepared(), Memory()
    limit = Bucket(float(sys.argv[1]), float(sys.argv[2])) if sys.argv[1:] else None
    asyncio.run(serve(lambda: CountingConnection(answer, memory, limit)))
