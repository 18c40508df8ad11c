"""An import row: what a mapping says of a user, checked as a whole before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, cast

import attrs

from .._address import segment
from .._arguments import text
from .._phone_number import number
from .._secret import Secret, concealed
from ..errors import InvalidArgumentError
from ..models import User

CREATION_CLAIMS = ("name", "given_name", "middle_name", "family_name", "nickname", "picture")
_FURTHER_CLAIMS = (
    *("preferred_username", "profile", "birthdate", "website", "gender"),
    *("zoneinfo", "locale", "address"),
)
_ADDRESS = ("formatted", "street_address", "locality", "region", "postal_code", "country")
_CLAIMS = frozenset((*CREATION_CLAIMS, *_FURTHER_CLAIMS))
MEMBERS = (
    *("source_id", "username", "email", "email_verified", "phone_number"),
    *("phone_number_verified", "password", "password_hash", "password_hash_algorithm"),
    *("is_temporary_password", *CREATION_CLAIMS, "claims", "emails", "phone_numbers"),
    *("private_data", "public_data", "groups", "disabled", "notes"),
)
# What an exported user has besides, which nobody can set.
UNSETTABLE = ({field.name for field in attrs.fields(User)} | {"read_at"}) - set(MEMBERS)
_KNOWN = UNSETTABLE | set(MEMBERS)
_OF_IDENTIFIERS = {"id", "primary", "verified", "source", "verification_source"} | {
    *("authenticators", "idps")
}
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_LONGEST_EMAIL = 320
_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BOOLEANS = {"true": True, "false": False}
_LOST = {
    "passkeys": "passkeys: cannot be imported",
    "external_providers": "external providers: cannot be imported",
    "idps": "external providers: cannot be imported",
}


class Address(NamedTuple):
    """An email address or a phone number; ``verified`` is None where the row does not say."""

    value: str
    verified: bool | None


@attrs.frozen(eq=False)
class ImportRow:
    """What a row wants.

    Attributes:
        source_id: what names it in reports; None where it does not say.
        username: the name to sign in with.
        email: the first email address.
        phone: the first phone number, E.164.
        password: the password's members of a creation.
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
    password: Mapping[str, Any] = attrs.field(repr=False)
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
        """Return the arguments of ``users.create``."""
        given: dict[str, Any] = dict(self.password)
        for name, value in self.claims.items():
            if name in CREATION_CLAIMS:
                given[name] = value
        if self.username is not None:
            given["username"] = self.username
        if self.email:
            given["email"], given["email_verified"] = self.email
        if self.phone:
            given["phone_number"], given["phone_number_verified"] = self.phone
        return given

    @property
    def further_claims(self) -> dict[str, Any]:
        """The claims that a creation does not take."""
        return {n: value for n, value in self.claims.items() if n not in CREATION_CLAIMS}


def import_row(given: object, groups: Mapping[str, str]) -> ImportRow:
    """Return what a mapping says of a user.

    Args:
        given: the mapping; members that are None or empty count as missing.
        groups: the ids of groups, by their names.

    Raises:
        InvalidArgumentError: it cannot be right; the message shows none of its values.
    """
    members = _members(given)
    email, emails = _addresses(members, "email", "emails", "email", _email)
    phone, phones = _addresses(members, "phone_number", "phone_numbers", "phone", _phone)
    username = _username(members.get("username"))
    if not (email or phone or username):
        raise _mistake("it needs an email, a phone_number or a username, to be found again by")
    return ImportRow(
        source_id=_maybe_text(members, "source_id"),
        username=username,
        email=email,
        phone=phone,
        password=_password(members),
        emails=emails,
        phones=phones,
        claims=_claims(members),
        private_data=_object(members, "private_data"),
        public_data=_object(members, "public_data"),
        groups=_groups(members, groups) if "groups" in members else (),
        disabled=_flag("disabled", members.get("disabled")) or False,
        notes=_notes(members),
    )


def _mistake(what: str) -> InvalidArgumentError:
    return InvalidArgumentError(what)


def _members(given: object) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise _mistake(f"it must be a mapping, not {type(given).__name__}")
    row = cast("Mapping[str, Any]", given)
    members = {name: value for name, value in row.items() if value is not None and value != ""}
    if not members.keys() <= _KNOWN:
        unknown = min(str(name) for name in members.keys() - _KNOWN)
        raise _mistake(f"it has a member {ascii(unknown[:40])}, which no user has")
    return members


def _addresses(
    members: Mapping[str, Any],
    single: str,
    several: str,
    item_name: str,
    clean: Callable[[str, object], str],
) -> tuple[Address | None, tuple[Address, ...]]:
    """Return the first address, and the others."""
    said = _flag(f"{single}_verified", members.get(f"{single}_verified"))
    first = Address(clean(single, members[single]), said) if single in members else None
    if several not in members:
        return first, ()
    found, primary = _items(members[several], several, item_name, clean)
    if first is None:
        first = next((found[key] for key in primary), next(iter(found.values()), None))
    elif first.verified is None and first.value.casefold() in found:
        first = found[first.value.casefold()]
    others = (a for key, a in found.items() if not first or key != first.value.casefold())
    return first, tuple(others)


def _items(
    given: object, several: str, item_name: str, clean: Callable[[str, object], str]
) -> tuple[dict[str, Address], list[str]]:
    """Return addresses by what they are compared by, and which of them are primary."""
    found: dict[str, Address] = {}
    primary: list[str] = []
    for place, item in enumerate(_list(several, given)):
        where = f"{several}[{place}]"
        if not isinstance(item, Mapping):
            raise _mistake(f"{where} must be an object")
        row = cast("Mapping[str, Any]", item)
        if unknown := row.keys() - _OF_IDENTIFIERS - {item_name}:
            raise _mistake(f"{where} has a member {ascii(min(map(str, unknown))[:40])}")
        value = clean(f"{where}.{item_name}", row.get(item_name))
        verified = _flag(f"{where}.verified", row.get("verified"))
        found.setdefault(value.casefold(), Address(value, verified))
        if _flag(f"{where}.primary", row.get("primary")):
            primary.append(value.casefold())
    if len(set(primary)) > 1:
        raise _mistake(f"{several} has more than one that is primary")
    return found, primary


def _email(name: str, value: object) -> str:
    found = _text(name, value).strip()
    if len(found) > _LONGEST_EMAIL or not _EMAIL.fullmatch(found):
        raise _mistake(f"{name} must be an email address")
    return found


def _phone(name: str, value: object) -> str:
    return _bare(lambda: number(value, name))


def _text(name: str, value: object) -> str:
    return _bare(lambda: text(name, value))


def _bare(check: Callable[[], str]) -> str:
    """Return what a check of an argument returns; its error says where by itself."""
    try:
        return check()
    except InvalidArgumentError as error:
        raise _mistake(str(error).removesuffix("; nothing was sent")) from None


def _maybe_text(members: Mapping[str, Any], name: str) -> str | None:
    return _text(name, members[name]) if name in members else None


def _username(value: object) -> str | None:
    if isinstance(value, Mapping):
        value = cast("Mapping[str, Any]", value).get("username")
    return None if value is None or value == "" else _text("username", value)


def _flag(name: str, value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    found = _BOOLEANS.get(value.strip().casefold()) if isinstance(value, str) else None
    if found is None:
        raise _mistake(f"{name} must be true or false")
    return found


def _list(name: str, value: object) -> Iterable[object]:
    if not isinstance(value, (list, tuple)):
        raise _mistake(f"{name} must be a list")
    return cast("list[object]", value)


def _object(members: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an object without the keys that are null: a new user has none to remove."""
    value = members.get(name, {})
    if not isinstance(value, Mapping):
        raise _mistake(f"{name} must be an object")
    found = cast("Mapping[str, Any]", value)
    return {str(key): item for key, item in found.items() if item is not None}


def _password(members: Mapping[str, Any]) -> dict[str, Any]:
    plain, hashed = concealed(members.get("password")), concealed(members.get("password_hash"))
    temporary = _flag("is_temporary_password", members.get("is_temporary_password"))
    algorithm = members.get("password_hash_algorithm")
    if plain is not None and hashed is not None:
        raise _mistake("it has a password and a password_hash: only one of them can be")
    if hashed is None:
        if plain is None:
            return {}
        if not isinstance(members["password"], str):
            raise _mistake("password must be a string")
        return {"password": plain, "is_temporary_password": temporary}
    if algorithm != "bcrypt":
        raise _mistake("password_hash_algorithm must be bcrypt, and say so beside a password_hash")
    # Else the API would have each of them reset a password that they have all along.
    temporary = temporary is True
    return {**_hashed(hashed), "is_temporary_password": temporary}


def _hashed(value: Secret) -> dict[str, Any]:
    if not _BCRYPT.fullmatch(value):
        raise _mistake(
            "password_hash must be a bcrypt hash: 60 characters that begin with $2a$, $2b$ or "
            "$2y$ and a cost from 04 to 31"
        )
    return {"password_hash": value, "password_hash_algorithm": "bcrypt"}


def _claims(members: Mapping[str, Any]) -> dict[str, Any]:
    found = {n: _text(n, members[n]) for n in CREATION_CLAIMS if n in members}
    if "claims" not in members:
        return found
    claims = _object(members, "claims")
    for name, value in claims.items():
        where = f"claims.{name}"
        if name not in _CLAIMS:
            if "user_id" in members:
                continue
            raise _mistake(f"claims has a member {ascii(name[:40])}, which cannot be set")
        if value == "":
            continue
        checked = _postal(value) if name == "address" else _text(where, value)
        if found.setdefault(name, checked) != checked:
            raise _mistake(f"{name} and {where} differ")
    return found


def _postal(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise _mistake("claims.address must be an object")
    address = cast("Mapping[str, Any]", value)
    if unknown := address.keys() - set(_ADDRESS):
        raise _mistake(f"claims.address has a member {ascii(min(map(str, unknown))[:40])}")
    given = {name: part for name, part in address.items() if part is not None and part != ""}
    return {name: _text(f"claims.address.{name}", part) for name, part in given.items()}


def _groups(members: Mapping[str, Any], ids: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_group(item, ids) for item in _list("groups", members["groups"])))


def _group(item: object, ids: Mapping[str, str]) -> str:
    if isinstance(item, Mapping):
        item = cast("Mapping[str, Any]", item).get("group_id")
    name = _text("groups", item)
    if name in ids:
        return ids[name]
    if ids and name not in ids.values() and not _GUID.fullmatch(name):
        raise _mistake("groups has a name that is not in the table of groups")
    return _bare(lambda: segment("groups", name) and name)


def _notes(members: Mapping[str, Any]) -> tuple[str, ...]:
    given = _list("notes", members["notes"]) if "notes" in members else ()
    notes = [_text("notes", note) for note in given]
    notes += [note for name, note in _LOST.items() if members.get(name)]
    if members.get("has_password") and not {"password", "password_hash"} & members.keys():
        notes.append("password: the row has none")
    if "user_id" in members and isinstance(members.get("claims"), Mapping):
        others = sorted(cast("Mapping[str, Any]", members["claims"]).keys() - _CLAIMS)
        notes += [f"claims.{name}: cannot be set" for name in others]
    return tuple(dict.fromkeys(notes))
