"""Person: collects the data of a foreign record, and builds an import row from it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from .. import _phone_number
from .._characters import trimmed
from .._secret import concealed
from ..errors import InvalidArgumentError
from . import hashes, notes
from .options import MappingOptions
from .providers import provider
from .row import EmailMember, PhoneMember, Row, Skip
from .systems import System
from .values import one_line, present

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_BCRYPT = "bcrypt"
_NOTHING = "no email, phone number or username to sign in with"


class Person:
    """A person, built piece by piece; ``row()`` returns the result.

    Args:
        system: the system that the person comes from.
        source_id: the person's id there.
        options: the mapping options.
    """

    def __init__(self, system: System, source_id: str | None, options: MappingOptions) -> None:
        self._system: System = system
        self._options = options
        self._emails: dict[str, EmailMember] = {}
        self._phones: dict[str, PhoneMember] = {}
        self._identities: list[dict[str, str]] = []
        self._state: Literal["imported", "lost", "none"] = "none"
        self._row: Row = {}
        self._claims: dict[str, Any] = {}
        self._notes: list[str] = []
        self._imported: dict[str, Any] = {"from": system}
        self._private: dict[str, Any] = {"imported": self._imported}
        if source_id:
            self._row["source_id"] = source_id
            self._imported["id"] = source_id

    def note(self, text: str) -> None:
        """Record a loss, once."""
        if text not in self._notes:
            self._notes.append(text)

    def username(self, name: str | None) -> None:
        """Set the username."""
        if name:
            self._row["username"] = name

    def email(self, address: str | None, *, verified: bool, primary: bool = False) -> None:
        """Add an address; of addresses that differ only in case, the first one stays."""
        if address and address.lower() not in self._emails:
            self._emails[address.lower()] = {
                "email": address,
                "verified": verified,
                "primary": primary,
            }

    def phone(self, given: str | None, *, verified: bool, primary: bool = False) -> bool:
        """Add a number, or keep it as private data if it is not certainly E.164.

        Returns:
            Whether it was added.
        """
        if not given:
            return False
        number = _e164(given)
        if number is None:
            self._imported.setdefault("phone_numbers", []).append(given)
            self.note(f"{notes.PHONE}: not E.164, kept in private_data")
            return False
        found: PhoneMember = {"phone": number, "verified": verified, "primary": primary}
        self._phones.setdefault(number, found)
        return True

    def claim(self, name: str, value: str | None) -> None:
        """Set a claim, joining its lines."""
        if value and (line := one_line(value)):
            self._claims[name] = line

    def full_name(self, *parts: str | None) -> None:
        """Set the full name from its parts."""
        self.claim("name", " ".join(part for part in parts if part))

    def address(self, **parts: str | None) -> None:
        """Set the known parts of the postal address."""
        known = {name: trimmed(part) for name, part in parts.items() if part and trimmed(part)}
        if known:
            self._claims["address"] = known

    def remember(self, **facts: object) -> None:
        """Keep facts about the old account in private_data, the only place for them."""
        self._imported.update({n: fact for n, fact in facts.items() if _worth_keeping(fact)})

    def private(self, name: str, value: object) -> None:
        """Put a value into private_data, unless it is empty."""
        if _worth_keeping(value):
            self._private[name] = value

    def public(self, data: Mapping[str, Any]) -> None:
        """Set public_data, unless it is empty."""
        if data:
            self._row["public_data"] = dict(data)

    def identity(self, name: str, user_id: str | None, **details: str | None) -> None:
        """Keep an identity at an external provider; it does not enable sign-in there."""
        found = {"provider": provider(self._system, name), "id": user_id, **details}
        self._identities.append({key: value for key, value in found.items() if value})

    def second_factor(self, kind: str) -> None:
        """Record that the person loses a second factor."""
        self._imported["had_mfa"] = True
        self.note(f"{notes.SECOND_FACTOR}: {kind}")

    def password_hash(self, value: str, kind: str | None = None) -> None:
        """Set the password hash if it is bcrypt, or record which algorithm it is.

        Args:
            value: the hash.
            kind: the algorithm's name in the export. None guesses it from the format.
        """
        if kind in {None, _BCRYPT} and hashes.is_bcrypt(value):
            self._row["password_hash"] = cast("str", concealed(value))
            self._row["password_hash_algorithm"] = _BCRYPT
            self._row["is_temporary_password"] = False
            self._state = "imported"
            return
        self.password_unsupported(kind if kind not in {None, _BCRYPT} else hashes.kind(value))

    def password_unsupported(self, kind: str | None) -> None:
        """Record that the password has a format that cannot be imported."""
        self._state = "lost"
        self.note(f"{notes.UNSUPPORTED}{kind or 'unknown algorithm'})")

    def password_not_exported(self, why: str = "") -> None:
        """Record that there is a password, but not in the export."""
        self._state = "lost"
        self.note(f"{notes.NOT_EXPORTED} ({why})" if why else notes.NOT_EXPORTED)

    def password_text(self, value: str, *, temporary: bool) -> None:
        """Set a plain-text password."""
        self._row["password"] = cast("str", concealed(value))
        self._row["is_temporary_password"] = temporary
        self._state = "imported"

    def must_change_password(self) -> None:
        """Require a new password at the next sign-in, if there is an old one."""
        if self._state == "imported":
            self._row["is_temporary_password"] = True

    def groups(self, names: Sequence[str]) -> None:
        """Add the person to groups."""
        if names:
            self._row["groups"] = list(dict.fromkeys(names))

    def disable(self) -> None:
        """Disable the account."""
        self._row["disabled"] = True

    def row(self) -> Row | Skip:
        """Return the row, or a Skip with the reason."""
        if not (self._emails or self._phones or self._row.get("username")):
            return Skip(_NOTHING)
        if self._options.passwords == "skip" and self._state == "lost":
            return Skip("the password cannot be imported")
        self._add_emails()
        self._add_phones()
        self._add_sign_in()
        self._imported.update({"identities": self._identities} if self._identities else {})
        if self._claims:
            self._row["claims"] = self._claims
        self._row["private_data"] = self._private
        if self._notes:
            self._row["notes"] = self._notes
        return self._row

    def _add_emails(self) -> None:
        found = _primary_first(list(self._emails.values()))
        if len(found) == 1:
            self._row["email"] = found[0]["email"]
            self._row["email_verified"] = found[0]["verified"]
        elif found:
            self._row["emails"] = found

    def _add_phones(self) -> None:
        found = _primary_first(list(self._phones.values()))
        if len(found) == 1:
            self._row["phone_number"] = found[0]["phone"]
            self._row["phone_number_verified"] = found[0]["verified"]
        elif found:
            self._row["phone_numbers"] = found

    def _add_sign_in(self) -> None:
        if self._identities and self._state == "none":
            names = dict.fromkeys(identity["provider"] for identity in self._identities)
            self.note(f"{notes.SIGN_IN}: {', '.join(names)} only")
        verified = any(email["verified"] for email in self._emails.values())
        if self._state != "imported" and not verified:
            self.note(notes.RECOVERY)


def _e164(given: str) -> str | None:
    try:
        number = _phone_number.number(given)
    except InvalidArgumentError:
        return None
    return number if _E164.fullmatch(number) else None


def _worth_keeping(fact: object) -> bool:
    return present(fact) and fact not in ([], {})


def _primary_first(found: list[Any]) -> list[Any]:
    """Return addresses with the primary one first: the marked one, a verified one, or any."""
    if not found:
        return found
    primary = [item for item in found if item["primary"]]
    verified = [item for item in found if item["verified"]]
    chosen = (primary or verified or found)[0]
    others = [item for item in found if item is not chosen]
    return [{**chosen, "primary": True}, *({**item, "primary": False} for item in others)]
