"""What an emulator was asked, and what it did: the requests, and how many there were."""

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
    """A request that came to an emulator.

    Attributes:
        method: the HTTP method.
        path: the path as it was sent, with its query.
        operation: what it asked for, such as ``phones.set_primary``; None if nothing known.
        user_id: the user that it concerned, if any.
        status: the status that it was answered with; None where it got no answer.
        executed: whether a change was carried out for it.
        fault: what went wrong with it; None if nothing did.
        headers: its headers, names as they were sent; the API key is masked.
        body: its body; passwords in it are masked.
        number: 1 for the first request since the start or the last reset.
        attempt: which attempt of its call it seems to be: the same request failed before, in a
            way that clients retry, within two minutes.
        received_at: when it came.
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
        """Return its JSON form; a body that is not UTF-8 is shown with its bytes escaped."""
        return {
            **attrs.asdict(self, recurse=False),
            "fault": self.fault.to_dict() if self.fault else None,
            "body": self.body.decode(errors="backslashreplace"),
            "received_at": self.received_at.isoformat(),
        }


@attrs.frozen(kw_only=True)
class Counts:
    """How many requests came and changes were carried out, since the start or the last reset.

    They go on where the record of requests is cleared, or full.

    Attributes:
        requests: the requests that came, whatever became of them.
        executions: the changes that were carried out, whether or not an answer told so.
        requests_by_operation: the requests of each operation; those for none are left out.
        executions_by_operation: the changes of each operation.
        requests_by_status: the requests by the status of their answer; None: without an answer.
    """

    requests: int
    executions: int
    requests_by_operation: Mapping[str, int]
    executions_by_operation: Mapping[str, int]
    requests_by_status: Mapping[int | None, int]

    def to_dict(self) -> dict[str, Any]:
        """Return its JSON form, where requests without an answer have the status ``none``."""
        statuses = {str(s or "none"): n for s, n in self.requests_by_status.items()}
        return {**attrs.asdict(self), "requests_by_status": statuses}


class RequestLog:
    """The last requests, and the number of all; any thread may ask.

    Args:
        size: how many requests to keep.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self.requests: list[RecordedRequest] = []
        self.reset()

    def reset(self) -> None:
        """Forget all requests, and count from zero."""
        with self._lock:
            self.requests.clear()
            self._attempts = Attempts()
            # No other period has the same name, not even one of another process.
            self.period = secrets.token_hex(4)
            self._by_operation: Counter[str] = Counter()
            self._executed: Counter[str] = Counter()
            self._by_status: Counter[int | None] = Counter()

    def add(self, request: RecordedRequest) -> None:
        """Count a request, and keep it in the place of the oldest."""
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
        """Return how many changes were carried out, of one operation or of all."""
        with self._lock:
            return self._executed[operation] if operation else sum(self._executed.values())

    def counts(self) -> Counts:
        """Return all counts, of one moment."""
        with self._lock:
            return Counts(
                requests=sum(self._by_status.values()),
                executions=sum(self._executed.values()),
                requests_by_operation=Counter(self._by_operation),
                executions_by_operation=+self._executed,
                requests_by_status=Counter(self._by_status),
            )
