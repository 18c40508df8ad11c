"""The settings of an import, and the state of a row while it is imported."""

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
RecordDifference = Callable[[ImportDifference], str]
RESET_BEGUN = "reset?"


@attrs.frozen
class Settings:
    """The settings shared by all rows of an import.

    Attributes:
        existing: what to do with users who already exist.
        send_reset: whether to email created users a link to set a password.
        skip_password_policy_checks: as in ``users.create``.
        skip_identifier_restriction_checks: as in ``users.create``.
        skip_conformance_checks: as in ``users.create``.
    """

    existing: Existing = "skip"
    send_reset: bool = False
    skip_password_policy_checks: bool = False
    skip_identifier_restriction_checks: bool = False
    skip_conformance_checks: bool = True

    @property
    def flags(self) -> dict[str, bool]:
        """The body members of a creation that are the same for all rows."""
        flags = {
            "skip_password_policy_checks": self.skip_password_policy_checks,
            "skip_identifier_restriction_checks": self.skip_identifier_restriction_checks,
            "skip_conformance_checks": self.skip_conformance_checks,
        }
        return {name: True for name, on in flags.items() if on}

    @property
    def claim_flags(self) -> dict[str, bool]:
        """The body members of a claims change that are the same for all rows."""
        return {"skip_conformance_checks": True} if self.skip_conformance_checks else {}


@attrs.define(eq=False, repr=False)
class Progress:
    """The state of a row between its steps.

    Attributes:
        work: the row in flight.
        row: the parsed row.
        status: ``CREATED`` or ``EXISTED``, once known.
        user: the user as last read.
        user_id: the user's id.
        steps: the completed steps.
        fresh: whether the user was just created, and has only what the creation sent.
        unproved: whether the journal's user has yet to be confirmed as the row's.
        lost: whether a creation may have been applied, its response being lost.
        differences: where an existing user differs.
        notes: remarks on the row.
        error: why the row failed.
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
        """Return the journal entry of the row between its steps."""
        return Entry(
            self.work.number,
            self.work.digest,
            OPEN,
            self.user_id,
            " ".join(self.steps),
            attempts=attempts,
            applied=self.lost and self.user_id is None,
        )

    def last_entry(self, attempts: int, recorded: RecordDifference) -> Entry:
        """Return the final journal entry of the row.

        Args:
            attempts: the number of requests sent for the row.
            recorded: returns what to record about a difference.
        """
        entry = self.entry(attempts)._replace(
            status=FAILED if self.error else self.status or FAILED,
            differences="\n".join(dict.fromkeys(map(recorded, self.differences))),
            notes="; ".join(map(self._masked, self.notes)),
        )
        if self.error is None:
            return entry
        answered = self.error if isinstance(self.error, (APIError, ResponseDecodeError)) else None
        return entry._replace(
            error=self._masked(str(self.error)),
            http_status=answered.status if answered else None,
            trace_id=one_line(answered.trace_id) if answered and answered.trace_id else None,
        )

    def _masked(self, text: str) -> str:
        """Return text of the API with the row's personal data masked."""
        row = self.row
        values = [address.value for address in (*row.all_emails, *row.all_phones)]
        values += [str(value) for value in (row.username, *row.claims.values()) if value]
        for value in sorted(values, key=len, reverse=True):
            if len(value) > _SHORT:
                text = text.replace(value, "***")
        return one_line(text)

    def outcome(self, attempts: int) -> ImportOutcome:
        """Return the outcome of the row."""
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
    """Return the outcome of an invalid row."""
    return ImportOutcome(
        index=work.number,
        row=work.given,
        error=work.error,
        source_id=str(work.number),
        status=FAILED,
    )


def settled_before(work: Work, before: Entry) -> ImportOutcome:
    """Return the outcome of a row that an earlier run completed."""
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
