"""An import row: what it wants of a user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import attrs

CREATION_CLAIMS = ("name", "given_name", "middle_name", "family_name", "nickname", "picture")


class Address(NamedTuple):
    """An email address or a phone number; ``verified`` is None where the row does not say."""

    value: str
    verified: bool | None

    def members(self, value: str, verified: str) -> dict[str, Any]:
        """Return the address as members of a body, under these names."""
        if self.verified is None:
            return {value: self.value}
        return {value: self.value, verified: self.verified}


# Its repr would show a person, in tracebacks too.
@attrs.frozen(eq=False, repr=False)
class ImportRow:
    """What a row wants.

    Attributes:
        source_id: what names it in reports; None where it does not say.
        username: the name to sign in with.
        email: the first email address.
        phone: the first phone number, E.164.
        password: the members of a creation's body that carry the password.
        emails: further email addresses.
        phones: further phone numbers.
        claims: profile claims.
        private_data, public_data: the keys to set.
        groups: the ids of groups.
        disabled: whether to switch the account off.
        notes: what the row loses.
    """

    source_id: str | None
    username: str | None
    email: Address | None
    phone: Address | None
    password: Mapping[str, Any]
    emails: tuple[Address, ...]
    phones: tuple[Address, ...]
    claims: Mapping[str, Any]
    private_data: Mapping[str, Any]
    public_data: Mapping[str, Any]
    groups: tuple[str, ...]
    disabled: bool
    notes: tuple[str, ...]

    @property
    def all_emails(self) -> tuple[Address, ...]:
        """All email addresses, the first one first."""
        return (self.email, *self.emails) if self.email else self.emails

    @property
    def all_phones(self) -> tuple[Address, ...]:
        """All phone numbers, the first one first."""
        return (self.phone, *self.phones) if self.phone else self.phones

    @property
    def name(self) -> str | None:
        """What names the row: what it says, or else how its user signs in."""
        first = self.email or self.phone
        return self.source_id or (first.value if first else self.username)

    def creation(self) -> dict[str, Any]:
        """Return the body of ``users.create``, whose members were checked."""
        body = {n: value for n, value in self.claims.items() if n in CREATION_CLAIMS}
        body.update(self.password)
        if self.username is not None:
            body["username"] = self.username
        if self.email:
            body.update(self.email.members("email", "email_verified"))
        if self.phone:
            body.update(self.phone.members("phone_number", "phone_number_verified"))
        return body

    @property
    def further_claims(self) -> dict[str, Any]:
        """The claims that a creation does not take."""
        return {n: value for n, value in self.claims.items() if n not in CREATION_CLAIMS}
