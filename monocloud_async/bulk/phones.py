"""Outcomes of runs over phones, with the user's id and the phone's id or number."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping

from ..models import User
from ..outcome import Outcome, PhoneOutcome, Row
from .run import Run


def phone_outcome(outcome: Outcome[User], *, by_number: bool) -> PhoneOutcome:
    """Return the outcome of a row that has a user's id and a phone's id or number."""
    user_id, target = _pair(outcome.row)
    user = outcome.result
    found = user.primary_phone.id if by_number and user and user.primary_phone else None
    return PhoneOutcome(
        index=outcome.index,
        row=outcome.row,
        result=user,
        error=outcome.error,
        attempts=outcome.attempts,
        user_id=user_id or "",
        identifier_id=found if by_number else target,
        phone=target if by_number else None,
    )


async def phone_outcomes(run: Run[User], *, by_number: bool) -> AsyncGenerator[PhoneOutcome, None]:
    """Yield the outcomes of a run over phones.

    Args:
        run: the run.
        by_number: whether its rows identify phones by number.
    """
    outcomes = run.outcomes()
    try:
        async for outcome in outcomes:
            yield phone_outcome(outcome, by_number=by_number)
    finally:
        await outcomes.aclose()


def _pair(row: Row) -> tuple[str | None, str | None]:
    if isinstance(row, Mapping):
        values = (row.get("user_id"), row.get("identifier_id", row.get("phone")))
    else:
        values = row
    first, second = (
        value if isinstance(value, str) else None for value in (*values, None, None)[:2]
    )
    return first, second
