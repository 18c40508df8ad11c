"""The outcome of a row, as a journal keeps it."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

OK, FAILED, SKIPPED = "ok", "failed", "skipped"
# The row was sent and perhaps applied, and its operation must not be retried blindly.
UNKNOWN = "unknown"


class Entry(NamedTuple):
    """The outcome of a row.

    Attributes:
        number: the row's number.
        user: the hash of its user's id.
        status: ``OK``, ``FAILED``, ``SKIPPED`` or ``UNKNOWN``; in a dry run, the expected outcome.
        http_status: the status of the last response, if there was one.
        error: the error message, if any.
        trace_id: the server's trace id, if it sent one.
        attempts: the number of attempts in the last run that sent the row.
        identifier_id: the phone's id, if the row does not have it.
        result: the operation's return value as JSON, if requested.
    """

    number: int
    user: int
    status: str
    http_status: int | None = None
    error: str | None = None
    trace_id: str | None = None
    attempts: int = 0
    identifier_id: str | None = None
    result: str | None = None


def hash_of(user_id: str) -> int:
    """Return the hash that stands for a user in a journal."""
    return int.from_bytes(
        hashlib.blake2b(user_id.encode(), digest_size=8).digest(), "big", signed=True
    )
