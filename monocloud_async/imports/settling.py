"""Settings of an import, and a row in the midst of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import attrs

from .._messages import one_line
from ..errors import APIError, MonoCloudError, ResponseDecodeError
from ..models import User
from ..outcome import ImportDifference, ImportOutcome, ImportStatus
from .feed import Work
from .journal import CREATED, EXISTED, FAILED, OPEN, Entry
from .row import ImportRow

Existing = Literal["skip", "complete"]
ToldDifference = Callable[[ImportDifference], str]
RESET_BEGUN = "reset?"


@attrs.frozen
class Settings:
    """What holds for all rows of an import.

    Attributes:
        existing: what to do for users who existed.
        send_reset: whether to mail the users it creates a link to set a password.
        skip_password_policy_checks, skip_identifier_restriction_checks,
        skip_conformance_checks: as ``users.create`` takes them.
    """

    existing: Existing = "skip"
    send_reset: bool = False
    skip_password_policy_checks: bool = False
    skip_identifier_restriction_checks: bool = False
    skip_conformance_checks: bool = True

    @property
    def flags(self) -> dict[str, bool]:
        """The members of a creation's body that are the same for all rows."""
        flags = {
            "skip_password_policy_checks": self.skip_password_policy_checks,
            "skip_identifier_restriction_checks": self.skip_identifier_restriction_checks,
            "skip_conformance_checks": self.skip_conformance_checks,
        }
        return {name: True for name, on in flags.items() if on}

    @property
    def claim_flags(self) -> dict[str, bool]:
        """The same of a change of claims."""
        return {"skip_conformance_checks": True} if self.skip_conformance_checks else {}


@attrs.define(eq=False, repr=False)
class Progress:
    """A row in the midst of its steps.

    Attributes:
        work: the row.
        row: what it says.
        status: ``CREATED`` or ``EXISTED``, once that is known.
        user: the user as last seen.
        user_id: the user's id.
        steps: what is done.
        fresh: whether the user was created just now, and has nothing but what that sent.
        unproved: whether the user whom the journal has is yet to be seen, and to be the row's.
        lost: whether a creation may have been carried out, its answer lost.
        differences: what a user who existed has otherwise.
        notes: what to know of the row.
        error: why it failed.
    """

    work: Work
    row: ImportRow
    status: ImportStatus | None = None
    user: User | None = None
    user_id: str | None = None
    steps: list[str] = attrs.field(factory=list[str])
    fresh: bool = False
    unproved: bool = False
    lost: bool = False
    differences: tuple[ImportDifference, ...] = ()
    notes: list[str] = attrs.field(factory=list[str])
    error: MonoCloudError | None = None

    def entry(self, attempts: int) -> Entry:
        """Return what the journal keeps of the row as it is now, in the midst of its steps."""
        return Entry(
            self.work.number,
            self.work.digest,
            OPEN,
            self.user_id,
            " ".join(self.steps),
            attempts=attempts,
            applied=self.lost and self.user_id is None,
        )

    def last_entry(self, attempts: int, told: ToldDifference) -> Entry:
        """Return what the journal keeps of the row in the end.

        Args:
            attempts: how many requests were made for it.
            told: says what to keep of a difference.
        """
        entry = self.entry(attempts)._replace(
            status=FAILED if self.error else self.status or FAILED,
            differences="\n".join(dict.fromkeys(map(told, self.differences))),
            notes="; ".join(map(self._masked, self.notes)),
        )
        if self.error is None:
            return entry
        said = self.error if isinstance(self.error, (APIError, ResponseDecodeError)) else None
        return entry._replace(
            error=self._masked(str(self.error)),
            http_status=said.status if said else None,
            trace_id=one_line(said.trace_id) if said and said.trace_id else None,
        )

    def _masked(self, text: str) -> str:
        """Return what the API says without what the row says of a person."""
        row = self.row
        values = [one.value for one in (*row.all_emails, *row.all_phones)]
        values += [str(value) for value in (row.username, *row.claims.values()) if value]
        for value in sorted(values, key=len, reverse=True):
            if len(value) > _SHORT:
                text = text.replace(value, "***")
        return one_line(text)

    def outcome(self, attempts: int) -> ImportOutcome:
        """Return what became of the row."""
        return ImportOutcome(
            index=self.work.number,
            row=self.work.given,
            result=self.user,
            error=self.error,
            attempts=attempts,
            source_id=self.row.name or str(self.work.number),
            status=FAILED if self.error else self.status or FAILED,
            user_id=self.user_id,
            steps=tuple(step for step in self.steps if step != RESET_BEGUN),
            differences=self.differences,
            notes=(*self.row.notes, *self.notes),
        )


_SHORT = 3


def refused(work: Work) -> ImportOutcome:
    """Return the outcome of a row that cannot be sent."""
    return ImportOutcome(
        index=work.number,
        row=work.given,
        error=work.error,
        source_id=str(work.number),
        status=FAILED,
    )


def settled_before(work: Work, before: Entry) -> ImportOutcome:
    """Return the outcome of a row that was settled in an earlier run."""
    row: Any = work.row
    return ImportOutcome(
        index=work.number,
        row=work.given,
        source_id=row.name,
        status=CREATED if before.status == CREATED else EXISTED,
        user_id=before.user_id,
        steps=tuple(step for step in before.steps.split() if step != RESET_BEGUN),
        notes=row.notes,
        earlier=True,
    )
