"""The record of an emulator's requests, and their counts."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timezone
from itertools import takewhile
from typing import Any

import attrs

from .attempts import Attempts
from .fault import Fault


@attrs.frozen(kw_only=True)
class RecordedRequest:
    """A request that an emulator received.

    Attributes:
        method: the HTTP method.
        path: the path as it was sent, with its query.
        operation: the requested operation, such as ``phones.set_primary``; None if unknown.
        user_id: the user that it concerned, if any.
        status: the status of the response; None if there was no response.
        executed: whether it changed something.
        fault: the fault that hit it, if any.
        headers: its headers, with names as sent; the API key is masked.
        body: its body; passwords in it are masked.
        number: 1 for the first request since the start or the last reset.
        attempt: which attempt of its call it seems to be. It counts as a retry if the same request
            failed within the last two minutes in a way that clients retry.
        received_at: when it arrived.
    """

    method: str
    path: str
    operation: str | None
    user_id: str | None
    status: int | None
    executed: bool = False
    fault: Fault | None = None
    headers: dict[str, str] = attrs.field(hash=False)
    body: bytes
    number: int = 0
    attempt: int = 1
    received_at: datetime = attrs.field(factory=lambda: datetime.now(timezone.utc))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; bytes of the body that are not UTF-8 are escaped."""
        return {
            **attrs.asdict(self, recurse=False),
            "fault": self.fault.to_dict() if self.fault else None,
            "body": self.body.decode(errors="backslashreplace"),
            "received_at": self.received_at.isoformat(),
        }


@attrs.frozen(kw_only=True)
class Counts:
    """The number of requests and executed changes since the start or the last reset.

    They include requests that are no longer kept or were cleared.

    Attributes:
        requests: all requests, whatever their outcome.
        executions: executed changes, whether or not the response arrived.
        requests_by_operation: requests per operation, without those for unknown operations.
        executions_by_operation: executed changes per operation.
        requests_by_status: requests per status of the response; None for those without a response.
    """

    requests: int
    executions: int
    requests_by_operation: Mapping[str, int]
    executions_by_operation: Mapping[str, int]
    requests_by_status: Mapping[int | None, int]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, where requests without a response have the status ``none``."""
        statuses = {str(s or "none"): n for s, n in self.requests_by_status.items()}
        return {**attrs.asdict(self), "requests_by_status": statuses}


class RequestLog:
    """The recent requests, and the counts of all requests. Thread-safe.

    Args:
        size: how many requests to keep.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self.requests: list[RecordedRequest] = []
        self.reset()

    def reset(self) -> None:
        """Forget all requests, and reset the counts."""
        with self._lock:
            self.requests.clear()
            self._attempts = Attempts()
            # No other period has the same name, not even in another process.
            self.period: str = secrets.token_hex(4)
            self._by_operation: Counter[str] = Counter()
            self._executed: Counter[str] = Counter()
            self._by_status: Counter[int | None] = Counter()

    def add(self, request: RecordedRequest) -> None:
        """Count and keep a request; drops the oldest if the log is full."""
        with self._lock:
            self._by_status[request.status] += 1
            if request.operation is not None:
                self._by_operation[request.operation] += 1
                self._executed[request.operation] += request.executed
            call = (request.method, request.path, request.body)
            number = sum(self._by_status.values())
            attempt = self._attempts.count(call, request.status, time.monotonic())
            self.requests.append(attrs.evolve(request, number=number, attempt=attempt))
            del self.requests[: -self._size or None]

    def since(self, number: int) -> list[RecordedRequest]:
        """Return the requests after one that are still kept, newest first.

        Args:
            number: the number of that request.
        """
        with self._lock:
            return list(takewhile(lambda r: r.number > number, reversed(self.requests)))

    def executions(self, operation: str | None = None) -> int:
        """Return how many changes were executed, for one operation or all."""
        with self._lock:
            return self._executed[operation] if operation else sum(self._executed.values())

    def counts(self) -> Counts:
        """Return a consistent snapshot of all counts."""
        with self._lock:
            return Counts(
                requests=sum(self._by_status.values()),
                executions=sum(self._executed.values()),
                requests_by_operation=Counter(self._by_operation),
                executions_by_operation=+self._executed,
                requests_by_status=Counter(self._by_status),
            )
