"""Turn outcomes into journal entries."""

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
    """Return the journal entry for a phone's outcome.

    Args:
        outcome: the row's outcome.
        number: the row's number.
        user: the hash of its user's id.
    """
    # The input has the id in the other case.
    identifier_id = _line(outcome.identifier_id) if outcome.phone is not None else None
    return any_entry(outcome, number, user)._replace(identifier_id=identifier_id)


def any_entry(outcome: Outcome[Any], number: int, user: int, *, once: bool = False) -> Entry:
    """Return the journal entry for an outcome.

    Args:
        outcome: the row's outcome.
        number: the row's number.
        user: the hash of its user's id.
        once: whether a failure that may have been applied counts as unknown.
    """
    response = getattr(outcome.result, "response", None)
    error = outcome.error
    answer = error if isinstance(error, (APIError, ResponseDecodeError)) else response
    return Entry(
        number,
        user,
        _status(error, once=once),
        answer.status if answer else None,
        _line(str(error)) if error else None,
        _line(answer.trace_id) if answer else None,
        outcome.attempts,
    )


def _status(error: MonoCloudError | None, *, once: bool) -> str:
    if error is None or _is_applied(error):
        return OK
    return UNKNOWN if once and getattr(error, "may_have_been_applied", False) else FAILED


def answer_of(outcome: Outcome[Any], *, secrets: bool) -> str | None:
    """Return the operation's return value as JSON; None if it returned nothing.

    Args:
        outcome: the row's outcome.
        secrets: whether to include secrets such as password reset links.
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
    """Return untrusted text fit for a file: JSON allows characters that UTF-8 cannot encode."""
    return None if text is None else one_line(text)


def _is_applied(error: MonoCloudError) -> bool:
    """Return whether the server accepted the change, even if its response was unreadable."""
    return isinstance(error, ResponseDecodeError) and error.may_have_been_applied
