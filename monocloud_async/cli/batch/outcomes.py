"""What a journal keeps of an outcome."""

from __future__ import annotations

from ..._messages import one_line
from ...bulk import PhoneOutcome
from ...errors import APIError, MonoCloudError, ResponseDecodeError
from ...operations.phones import SET_PRIMARY
from .journal import FAILED, OK, Entry


def entry_of(outcome: PhoneOutcome, number: int, user: int) -> Entry:
    """Return the entry for an outcome.

    Args:
        outcome: what became of the row.
        number: which row.
        user: the hash of its user's id.
    """
    response = outcome.user.response if outcome.user else None
    error = outcome.error
    said = error if isinstance(error, (APIError, ResponseDecodeError)) else response
    return Entry(
        number,
        user,
        OK if error is None or _is_applied(error) else FAILED,
        said.status if said else None,
        _line(str(error)) if error else None,
        _line(said.trace_id) if said else None,
        outcome.attempts,
        # The input has it otherwise.
        _line(outcome.identifier_id) if outcome.phone is not None else None,
    )


def _line(text: str | None) -> str | None:
    """Return foreign text fit for a file: JSON has characters that UTF-8 has not."""
    return None if text is None else one_line(text)


def _is_applied(error: MonoCloudError) -> bool:
    """Return whether the server did say that it made the change, in whatever words."""
    return isinstance(error, ResponseDecodeError) and error.operation == SET_PRIMARY.name
