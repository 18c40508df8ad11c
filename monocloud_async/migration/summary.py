"""A summary of a migration: what is carried over and what is lost, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import attrs

from . import notes
from .row import Skip

_UNSUPPORTED_END = ")"
_ONE = {"have": "has", "lose": "loses"}


@attrs.define
class MappingSummary:
    """Counts the rows of a migration; ``str()`` returns a readable summary.

    Attributes:
        records: all records, including skipped ones.
        people: the users to import.
        skipped: skipped records by reason.
        mistakes: the skipped records that are invalid, rather than unwanted.
        passwords: ``imported``, ``unsupported``, ``not exported`` and ``none``.
        algorithms: unsupported passwords by algorithm.
        emails: addresses, ``verified`` and ``unverified``.
        phones: numbers, ``verified``, ``unverified`` and ``rejected``.
        lost: users who lose something else, by kind.
    """

    records: int = 0
    people: int = 0
    mistakes: int = 0
    skipped: Counter[str] = attrs.field(factory=Counter[str])
    passwords: Counter[str] = attrs.field(factory=Counter[str])
    algorithms: Counter[str] = attrs.field(factory=Counter[str])
    emails: Counter[str] = attrs.field(factory=Counter[str])
    phones: Counter[str] = attrs.field(factory=Counter[str])
    lost: Counter[str] = attrs.field(factory=Counter[str])

    def add(self, result: Mapping[str, Any] | Skip) -> None:
        """Count a row or a skipped record."""
        self.records += 1
        if isinstance(result, Skip):
            self.skipped[result.reason] += 1
            self.mistakes += result.mistake
            return
        self.people += 1
        noted: list[str] = list(result.get("notes") or ())
        self._add_password(result, noted)
        _add_addresses(self.emails, result, "email", "emails")
        _add_addresses(self.phones, result, "phone_number", "phone_numbers")
        self.phones["rejected"] += any(note.startswith(f"{notes.PHONE}:") for note in noted)
        for kind in {_kind(note) for note in noted} - {"", notes.PASSWORD, notes.PHONE}:
            self.lost[kind] += 1

    def _add_password(self, row: Mapping[str, Any], noted: list[str]) -> None:
        unsupported = next((note for note in noted if note.startswith(notes.UNSUPPORTED)), None)
        if row.get("password_hash") or row.get("password"):
            self.passwords["imported"] += 1
        elif unsupported:
            self.passwords["unsupported"] += 1
            algorithm = unsupported.removeprefix(notes.UNSUPPORTED)
            self.algorithms[algorithm.removesuffix(_UNSUPPORTED_END)] += 1
        elif any(_kind(note) == notes.PASSWORD for note in noted):
            self.passwords["not exported"] += 1
        else:
            self.passwords["none"] += 1

    @property
    def must_set_password(self) -> int:
        """The number of users whose password in the old system is not imported."""
        return self.passwords["unsupported"] + self.passwords["not exported"]

    def lines(self) -> list[str]:
        """Return the summary, one sentence per line."""
        lines = [f"{_counted(self.records, 'record')} read, {self.people} to import."]
        lines += [f"{count} skipped: {why}." for why, count in self.skipped.most_common()]
        lines.append(
            f"Passwords: {self.passwords['imported']} imported, "
            f"{self.must_set_password} not importable, {self.passwords['none']} without one."
        )
        if self.algorithms:
            kinds = (f"{count} {name}" for name, count in self.algorithms.most_common())
            lines.append(f"Of unsupported algorithms: {', '.join(kinds)}.")
        lines += self._addresses() + self._losses()
        return lines

    def _addresses(self) -> list[str]:
        emails, phones = self.emails, self.phones
        return [
            f"Email addresses: {emails['verified']} verified, {emails['unverified']} unverified.",
            f"Phone numbers: {phones['verified']} verified, {phones['unverified']} unverified.",
        ]

    def _losses(self) -> list[str]:
        losses = [
            (self.must_set_password, "must set a new password"),
            (self.phones["rejected"], "have a phone number that is not E.164"),
            (self.lost["recovery"], "have no password and no verified email to recover with"),
            (self.lost[notes.SIGN_IN], "only signed in with an external provider"),
            (self.lost[notes.SECOND_FACTOR], "lose a second factor"),
            (self.lost[notes.PASSKEYS], "lose passkeys"),
        ]
        known = {"recovery", notes.SIGN_IN, notes.SECOND_FACTOR, notes.PASSKEYS}
        others = [(count, f"have a note: {kind}") for kind, count in self.lost.most_common()]
        others = [loss for loss in others if loss[1].removeprefix("have a note: ") not in known]
        return [_sentence(count, loss) for count, loss in [*losses, *others] if count]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def _add_addresses(counts: Counter[str], row: Mapping[str, Any], single: str, several: str) -> None:
    if row.get(single):
        counts["verified" if row.get(f"{single}_verified") else "unverified"] += 1
    for item in row.get(several) or ():
        counts["verified" if item.get("verified") else "unverified"] += 1


def _kind(note: str) -> str:
    return note.partition(":")[0]


def _sentence(count: int, loss: str) -> str:
    """Return a sentence about some people, with the verb in the right number."""
    if count != 1:
        return f"{count} people {loss}."
    verb, blank, rest = loss.partition(" ")
    return f"1 person {_ONE.get(verb, verb)}{blank}{rest}."


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
