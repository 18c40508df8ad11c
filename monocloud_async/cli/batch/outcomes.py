"""What a journal keeps of an outcome."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs

from ..._messages import one_line
from ...bulk import Outcome, PhoneOutcome
from ...errors import APIError, MonoCloudError, ResponseDecodeError
from ...models import Record
from .journal import FAILED, OK, UNKNOWN, Entry

MASKED = "***"


def entry_of(outcome: PhoneOutcome, number: int, user: int) -> Entry:
    """Return the entry for an outcome of phones.

    Args:
        outcome: what became of the row.
        number: which row.
        user: the hash of its user's id.
    """
    # The input has it otherwise.
    identifier_id = _line(outcome.identifier_id) if outcome.phone is not None else None
    return any_entry(outcome, number, user)._replace(identifier_id=identifier_id)


def any_entry(outcome: Outcome[Any], number: int, user: int, *, once: bool = False) -> Entry:
    """Return the entry for an outcome.

    Args:
        outcome: what became of the row.
        number: which row.
        user: the hash of its user's id.
        once: whether what may have been applied is unknown, and not failed.
    """
    response = getattr(outcome.result, "response", None)
    error = outcome.error
    said = error if isinstance(error, (APIError, ResponseDecodeError)) else response
    return Entry(
        number,
        user,
        _status(error, once=once),
        said.status if said else None,
        _line(str(error)) if error else None,
        _line(said.trace_id) if said else None,
        outcome.attempts,
    )


def _status(error: MonoCloudError | None, *, once: bool) -> str:
    if error is None or _is_applied(error):
        return OK
    return UNKNOWN if once and getattr(error, "may_have_been_applied", False) else FAILED


def answer_of(outcome: Outcome[Any], *, secrets: bool) -> str | None:
    """Return what an operation returned, as JSON; None where it returned nothing.

    Args:
        outcome: what became of the row.
        secrets: whether to show such as a link that sets a password.
    """
    result = outcome.result
    if not isinstance(result, Record):
        return None
    members: Mapping[str, Any] = result.to_dict()
    if not secrets:
        hidden = {f.name for f in attrs.fields(type(result)) if f.metadata.get("secret")}
        members = {n: MASKED if n in hidden and v else v for n, v in members.items()}
    return json.dumps(members)


def _line(text: str | None) -> str | None:
    """Return foreign text fit for a file: JSON has characters that UTF-8 has not."""
    return None if text is None else one_line(text)


def _is_applied(error: MonoCloudError) -> bool:
    """Return whether the server did say that it made the change, in whatever words."""
    return isinstance(error, ResponseDecodeError) and error.may_have_been_applied
