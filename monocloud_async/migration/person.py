"""A person on the way from a foreign record to a row."""

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
_NOTHING = "no e-mail, phone number or username to sign in with"


class Person:
    """A person, told piece by piece; ``row()`` returns the whole.

    Args:
        system: where the person comes from.
        source_id: the person's id there.
        options: what was chosen.
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
        """Say what this person loses; each thing once."""
        if text not in self._notes:
            self._notes.append(text)

    def username(self, name: str | None) -> None:
        """Give a name to sign in with."""
        if name:
            self._row["username"] = name

    def email(self, address: str | None, *, verified: bool, primary: bool = False) -> None:
        """Add an address; one that differs only in case is the same, and the first one stays."""
        if address and address.lower() not in self._emails:
            self._emails[address.lower()] = {
                "email": address,
                "verified": verified,
                "primary": primary,
            }

    def phone(self, given: str | None, *, verified: bool, primary: bool = False) -> bool:
        """Add a number, or keep it as data where it is not E.164 for certain.

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
        """Give a claim; the words are kept, on one line."""
        if value and (said := one_line(value)):
            self._claims[name] = said

    def full_name(self, *parts: str | None) -> None:
        """Give the name that is made of given and family names."""
        self.claim("name", " ".join(part for part in parts if part))

    def address(self, **parts: str | None) -> None:
        """Give the parts of a postal address that are known."""
        known = {name: trimmed(part) for name, part in parts.items() if part and trimmed(part)}
        if known:
            self._claims["address"] = known

    def remember(self, **facts: object) -> None:
        """Keep facts of the old account that nothing but private_data can hold."""
        self._imported.update({n: fact for n, fact in facts.items() if _worth_keeping(fact)})

    def private(self, name: str, value: object) -> None:
        """Put something into private_data, if there is something."""
        if _worth_keeping(value):
            self._private[name] = value

    def public(self, data: Mapping[str, Any]) -> None:
        """Give the public_data, if there is some."""
        if data:
            self._row["public_data"] = dict(data)

    def identity(self, name: str, user_id: str | None, **more: str | None) -> None:
        """Keep who the person is at an external provider; it does not make a sign-in work."""
        found = {"provider": provider(self._system, name), "id": user_id, **more}
        self._identities.append({key: value for key, value in found.items() if value})

    def second_factor(self, kind: str) -> None:
        """Say that the person has a second factor, which is lost."""
        self._imported["had_mfa"] = True
        self.note(f"{notes.SECOND_FACTOR}: {kind}")

    def password_hash(self, value: str, kind: str | None = None) -> None:
        """Take a hash if it is bcrypt, and say what it is if it is not.

        Args:
            value: the hash.
            kind: what the export calls its algorithm; by its shape where it does not say.
        """
        if kind in {None, _BCRYPT} and hashes.is_bcrypt(value):
            self._row["password_hash"] = cast("str", concealed(value))
            self._row["password_hash_algorithm"] = _BCRYPT
            self._row["is_temporary_password"] = False
            self._state = "imported"
            return
        self.password_unsupported(kind if kind not in {None, _BCRYPT} else hashes.kind(value))

    def password_unsupported(self, kind: str | None) -> None:
        """Say that there is a password of a kind that cannot be imported."""
        self._state = "lost"
        self.note(f"{notes.UNSUPPORTED}{kind or 'unknown algorithm'})")

    def password_not_exported(self, why: str = "") -> None:
        """Say that there is a password, and that the file does not have it."""
        self._state = "lost"
        self.note(f"{notes.NOT_EXPORTED} ({why})" if why else notes.NOT_EXPORTED)

    def password_text(self, value: str, *, temporary: bool) -> None:
        """Take a password in plain text."""
        self._row["password"] = cast("str", concealed(value))
        self._row["is_temporary_password"] = temporary
        self._state = "imported"

    def must_change_password(self) -> None:
        """Have the person set a new password at the next sign-in, where there is an old one."""
        if self._state == "imported":
            self._row["is_temporary_password"] = True

    def groups(self, names: Sequence[str]) -> None:
        """Put the person into groups."""
        if names:
            self._row["groups"] = list(dict.fromkeys(names))

    def disable(self) -> None:
        """Have the account disabled."""
        self._row["disabled"] = True

    def row(self) -> Row | Skip:
        """Return the whole as a row, or why there is none."""
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
    """Return addresses with the primary one first: by name, else the first verified, else any."""
    if not found:
        return found
    named = [one for one in found if one["primary"]] or [one for one in found if one["verified"]]
    chosen = (named or found)[0]
    others = [one for one in found if one is not chosen]
    return [{**chosen, "primary": True}, *({**one, "primary": False} for one in others)]
