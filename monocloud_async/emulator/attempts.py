"""Which attempt of a call a request is, as far as a server can tell."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b

import attrs

# Statuses after which clients retry; None stands for a response that never arrived.
_RETRIED = (None, 408, 429, 500, 502, 503, 504)
# Seconds after which the same request counts as a new call.
_LONGEST_WAIT = 120
_MOST_CALLS = 10_000

Call = tuple[str, str, bytes]


@attrs.frozen
class _Failed:
    attempt: int
    at: float


class Attempts:
    """Counts the attempts of each call.

    A request counts as a retry if the same method, path and body failed within the last two
    minutes, in a way that clients retry.
    """

    def __init__(self) -> None:
        self._failed: OrderedDict[Call, _Failed] = OrderedDict()

    def count(self, call: Call, status: int | None, now: float) -> int:
        """Return which attempt of its call a request is: 1 for the first.

        Args:
            call: the request's method, path and body.
            status: the status of its response; None without a response.
            now: the time in seconds, from any starting point.
        """
        method, path, body = call
        # The body may be large; its digest is enough to recognize it.
        call = (method, path, blake2b(body, digest_size=16).digest())
        before = self._failed.pop(call, None) if self._failed else None
        again = before is not None and now - before.at <= _LONGEST_WAIT
        attempt = before.attempt + 1 if before is not None and again else 1
        if status in _RETRIED:
            self._failed[call] = _Failed(attempt, now)
            if len(self._failed) > _MOST_CALLS:
                self._failed.popitem(last=False)
        return attempt
