"""Outcome: what became of one row of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, Literal, TypeVar

import attrs

from .errors import MonoCloudError
from .models import User

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
    row: Row = attrs.field(default=(), repr=False)
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


ImportStatus = Literal["created", "existed", "failed"]


@attrs.frozen
class ImportDifference:
    """What an existing user has otherwise than an import row.

    Attributes:
        name: the member, such as ``emails``, ``claims.name`` or ``private_data.plan``.
        wanted: what the row says.
        found: what the user has; None where the user has nothing.
    """

    name: str
    wanted: object = attrs.field(repr=False)
    found: object = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class ImportOutcome(Outcome[User]):
    """What became of one row of ``users.import_many``.

    Attributes:
        source_id: what names the row: its ``source_id``, or its email address, phone number or
            username; else its place.
        status: ``created`` by this import, by an earlier run of it too; ``existed`` before it; or
            ``failed``, in which case ``steps`` says what was done.
        user_id: the user's id; None where it is unknown.
        steps: what was done for the row, in order: create, emails, phones, claims, private_data,
            public_data, groups, disable, reset.
        differences: what a user that existed has otherwise.
        notes: what the row loses, and what to know of it.
        earlier: whether the row was settled in an earlier run; nothing was sent for it now.
    """

    source_id: str = attrs.field(repr=False)
    status: ImportStatus
    user_id: str | None = None
    steps: tuple[str, ...] = ()
    differences: tuple[ImportDifference, ...] = ()
    notes: tuple[str, ...] = ()
    earlier: bool = False

    @property
    def user(self) -> User | None:
        """The user as last seen; None where it is unknown, or was settled in an earlier run."""
        return self.result
