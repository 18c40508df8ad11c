"""An import row: the desired state of a user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import attrs

CREATION_CLAIMS = ("name", "given_name", "middle_name", "family_name", "nickname", "picture")


class Address(NamedTuple):
    """An email address or a phone number; ``verified`` is None if the row does not say."""

    value: str
    verified: bool | None

    def members(self, value: str, verified: str) -> dict[str, Any]:
        """Return the address as body members with these names."""
        if self.verified is None:
            return {value: self.value}
        return {value: self.value, verified: self.verified}


# No repr, because it would show personal data, even in tracebacks.
@attrs.frozen(eq=False, repr=False)
class ImportRow:
    """The desired state of a user.

    Attributes:
        source_id: the row's name in reports. None if it has none.
        username: the username.
        email: the first email address.
        phone: the first phone number, in E.164 form.
        password: the body members of the creation that carry the password.
        emails: further email addresses.
        phones: further phone numbers.
        claims: profile claims.
        private_data: the keys to set.
        public_data: the keys to set.
        groups: group ids.
        disabled: whether to disable the user.
        notes: which of the row's data is lost.
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
        """All email addresses, beginning with the first."""
        return (self.email, *self.emails) if self.email else self.emails

    @property
    def all_phones(self) -> tuple[Address, ...]:
        """All phone numbers, beginning with the first."""
        return (self.phone, *self.phones) if self.phone else self.phones

    @property
    def name(self) -> str | None:
        """The row's name in reports: its ``source_id``, or a sign-in identifier."""
        first = self.email or self.phone
        return self.source_id or (first.value if first else self.username)

    @property
    def key(self) -> str:
        """What orders the row: rows that may belong to the same user share it."""
        first = self.email or self.phone
        return (first.value if first else str(self.username)).casefold()

    def creation(self) -> dict[str, Any]:
        """Return the validated body of ``users.create``."""
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
        """The claims that ``users.create`` does not accept."""
        return {n: value for n, value in self.claims.items() if n not in CREATION_CLAIMS}
