"""Outcomes: the result or the error of each row of a bulk run."""

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
    """The result or the error of one row of a bulk run.

    Attributes:
        index: the row's position, counting from 0.
        row: the row as given.
        result: the method's return value. None if the row failed.
        error: the error. None if the row succeeded.
        attempts: the number of requests sent for the row, retries and lookups included. 0 if
            nothing was sent.
    """

    index: int
    row: Row = attrs.field(default=(), repr=False)
    result: T | None = None
    error: MonoCloudError | None = None
    attempts: int = 0

    @property
    def may_have_been_applied(self) -> bool:
        """Whether a row that failed may still have been applied."""
        return getattr(self.error, "may_have_been_applied", False)


@attrs.frozen(kw_only=True)
class PhoneOutcome(Outcome[User]):
    """The result or the error of one row of ``phones.set_primary_many``.

    Attributes:
        user_id: the user's id as given; empty if the row has none.
        identifier_id: the phone's id, as given or as found by number. None if unknown.
        phone: the phone's number as given. None if the rows have ids.
    """

    user_id: str
    identifier_id: str | None = None
    phone: str | None = None

    @property
    def user(self) -> User | None:
        """The updated user. None if the row failed."""
        return self.result


ImportStatus = Literal["created", "existed", "failed"]


@attrs.frozen
class ImportDifference:
    """A member whose value differs between an existing user and the import row.

    Attributes:
        name: the member, such as ``emails``, ``claims.name`` or ``private_data.plan``.
        wanted: the row's value.
        found: the user's value. None if the user has no value.
    """

    name: str
    wanted: object = attrs.field(repr=False)
    found: object = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class ImportOutcome(Outcome[User]):
    """The result or the error of one row of ``users.import_many``.

    Attributes:
        source_id: the row's ``source_id``, or its email address, phone number or username, or
            its position.
        status: ``created`` if this import created the user, in this run or an earlier one;
            ``existed`` if the user existed before; ``failed`` otherwise, in which case ``steps``
            lists what was done.
        user_id: the user's id. None if unknown.
        steps: the completed steps in order: create, emails, phones, claims, private_data,
            public_data, groups, disable, reset.
        differences: where an existing user differs from the row.
        notes: remarks, such as which data of the row cannot be imported.
        earlier: whether an earlier run completed the row, so nothing was sent in this one.
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
        """The user as last read. None if unknown, or if an earlier run completed the row."""
        return self.result
