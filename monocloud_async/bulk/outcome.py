"""Outcome: what became of one row."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs

from ..errors import MonoCloudError
from ..models import User

if TYPE_CHECKING:
    from .run import Run

T = TypeVar("T")
Row = tuple[Any, ...] | Mapping[str, Any]


@attrs.frozen(kw_only=True)
class Outcome(Generic[T]):
    """What became of one row of a run.

    Attributes:
        index: the row's place among the rows, 0 for the first.
        row: the row, as given.
        result: what the method returned; None where the row failed.
        error: why the row failed; None where it did not.
        attempts: the requests made for it, repeats and look-ups included; 0 where nothing was
            sent.
    """

    index: int
    row: Row = ()
    result: T | None = None
    error: MonoCloudError | None = None
    attempts: int = 0

    @property
    def may_have_been_applied(self) -> bool:
        """Whether a row that failed may have made its change all the same."""
        return getattr(self.error, "may_have_been_applied", False)


@attrs.frozen(kw_only=True)
class PhoneOutcome(Outcome[User]):
    """What became of one row of ``phones.set_primary_many``.

    Attributes:
        user_id: the user's id, as given; empty where the row had none.
        identifier_id: the phone's id, as given, or as found by its number; None where it is
            unknown.
        phone: the phone's number, as given; None in rows of ids.
    """

    user_id: str
    identifier_id: str | None = None
    phone: str | None = None

    @property
    def user(self) -> User | None:
        """The user as it is then; None where the row failed."""
        return self.result


def phone_outcome(outcome: Outcome[User], *, by_number: bool) -> PhoneOutcome:
    """Return the outcome of a row whose members are a user's id and a phone's id or number."""
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
        by_number: whether its rows name phones by number.
    """
    outcomes = run.outcomes()
    try:
        async for outcome in outcomes:
            yield phone_outcome(outcome, by_number=by_number)
    finally:
        await outcomes.aclose()


def _pair(row: Row) -> tuple[str | None, str | None]:
    values = tuple(row.values()) if isinstance(row, Mapping) else row
    first, second = (
        value if isinstance(value, str) else None for value in (*values, None, None)[:2]
    )
    return first, second
