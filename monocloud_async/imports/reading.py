"""Parses an import row from a mapping, and validates all of it before anything is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

import attrs

from .._address import segment
from .._secret import NOT_TEXT, Secret, concealed
from ..models import User
from .checks import bare, email, flag, items, json_object, mistake, phone, plain_text, shown
from .row import CREATION_CLAIMS, Address, ImportRow

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
# Members of an exported user that cannot be set.
UNSETTABLE = ({field.name for field in attrs.fields(User)} | {"read_at"}) - set(MEMBERS)
_KNOWN = UNSETTABLE | set(MEMBERS)
_OF_IDENTIFIERS = {"id", "primary", "verified", "source", "verification_source"} | {
    *("authenticators", "idps")
}
_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LOST = {
    "passkeys": "passkeys: cannot be imported",
    "external_providers": "external providers: cannot be imported",
    "idps": "external providers: cannot be imported",
}


def import_row(given: object, groups: Mapping[str, str]) -> ImportRow:
    """Return the parsed row.

    Args:
        given: the mapping; members that are None or empty count as missing.
        groups: group ids by name.

    Raises:
        InvalidArgumentError: the row is invalid. The message shows none of its values.
    """
    members = _members(given)
    first_email, emails = _addresses(members, "email", "emails", "email", email)
    first_phone, phones = _addresses(members, "phone_number", "phone_numbers", "phone", phone)
    username = _username(members.get("username"))
    if not (first_email or first_phone or username):
        raise mistake("it needs an email, phone_number or username to identify the user")
    return ImportRow(
        source_id=_maybe_text(members, "source_id"),
        username=username,
        email=first_email,
        phone=first_phone,
        password=_password(members),
        emails=emails,
        phones=phones,
        claims=_claims(members),
        private_data=_data(members, "private_data"),
        public_data=_data(members, "public_data"),
        groups=_groups(members, groups) if "groups" in members else (),
        disabled=flag("disabled", members.get("disabled")) or False,
        notes=_notes(members),
    )


def _members(given: object) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise mistake(f"it must be a mapping, not {type(given).__name__}")
    row = cast("Mapping[str, Any]", given)
    members = {name: value for name, value in row.items() if value is not None and value != ""}
    if unknown := members.keys() - _KNOWN:
        raise mistake(f"it has an unknown member {shown(unknown)}")
    return members


def _addresses(
    members: Mapping[str, Any],
    single: str,
    several: str,
    item_name: str,
    clean: Callable[[str, object], str],
) -> tuple[Address | None, tuple[Address, ...]]:
    """Return the first address, and the others."""
    verified = flag(f"{single}_verified", members.get(f"{single}_verified"))
    first = Address(clean(single, members[single]), verified) if single in members else None
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
    """Return addresses by comparison key, and the keys of the primary ones."""
    found: dict[str, Address] = {}
    primary: list[str] = []
    for place, item in enumerate(items(several, given)):
        where = f"{several}[{place}]"
        if not isinstance(item, Mapping):
            raise mistake(f"{where} must be an object")
        row = cast("Mapping[str, Any]", item)
        if unknown := row.keys() - _OF_IDENTIFIERS - {item_name}:
            raise mistake(f"{where} has an unknown member {shown(unknown)}")
        value = clean(f"{where}.{item_name}", row.get(item_name))
        verified = flag(f"{where}.verified", row.get("verified"))
        found.setdefault(value.casefold(), Address(value, verified))
        if flag(f"{where}.primary", row.get("primary")):
            primary.append(value.casefold())
    if len(set(primary)) > 1:
        raise mistake(f"{several} has more than one primary item")
    return found, primary


def _maybe_text(members: Mapping[str, Any], name: str) -> str | None:
    return plain_text(name, members[name]) if name in members else None


def _username(value: object) -> str | None:
    if isinstance(value, Mapping):
        value = cast("Mapping[str, Any]", value).get("username")
    return None if value is None or value == "" else plain_text("username", value)


def _password(members: Mapping[str, Any]) -> dict[str, Any]:
    plain, hashed = concealed(members.get("password")), concealed(members.get("password_hash"))
    temporary = flag("is_temporary_password", members.get("is_temporary_password"))
    if plain is not None and hashed is not None:
        raise mistake("it has both a password and a password_hash; give only one of them")
    if plain is not None:
        _check_sendable(plain)
        return {"password": plain, **_given_flag("is_temporary_password", temporary)}
    if hashed is None:
        return {}
    # Otherwise the API would make all these users reset a password that they know.
    return {**_hashed(hashed, members), "is_temporary_password": temporary is True}


def _check_sendable(password: Secret) -> None:
    if password == NOT_TEXT:
        raise mistake("password must be a string")
    try:
        password.encode()
    except UnicodeEncodeError:
        raise mistake("password contains characters that UTF-8 cannot encode") from None


def _given_flag(name: str, value: bool | None) -> dict[str, bool]:
    return {} if value is None else {name: value}


def _hashed(value: Secret, members: Mapping[str, Any]) -> dict[str, Any]:
    if members.get("password_hash_algorithm") != "bcrypt":
        raise mistake("password_hash_algorithm must be bcrypt if there is a password_hash")
    if not _BCRYPT.fullmatch(value):
        raise mistake(
            "password_hash must be a bcrypt hash: 60 characters that begin with $2a$, $2b$ or "
            "$2y$ and a cost from 04 to 31"
        )
    return {"password_hash": value, "password_hash_algorithm": "bcrypt"}


def _claims(members: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {n: plain_text(n, members[n]) for n in CREATION_CLAIMS if n in members}
    if "claims" not in members:
        return found
    claims = json_object(members, "claims")
    for name, value in claims.items():
        where = f"claims.{name}"
        if value == "" or (name not in _CLAIMS and _is_export(members)):
            continue
        if name not in _CLAIMS:
            raise mistake(f"claims has a member {shown([name])} that cannot be set")
        checked = _postal(value) if name == "address" else plain_text(where, value)
        if found.setdefault(name, checked) != checked:
            raise mistake(f"{name} and {where} differ")
    return found


def _is_export(members: Mapping[str, Any]) -> bool:
    """Return whether a row is an exported user, whose claims may include unknown ones."""
    return "user_id" in members


def _data(members: Mapping[str, Any], name: str) -> dict[str, Any]:
    if name not in members:
        return {}
    found = json_object(members, name)
    try:
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise mistake(f"{name} must be JSON") from None
    return found


def _postal(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise mistake("claims.address must be an object")
    address = cast("Mapping[str, Any]", value)
    if unknown := address.keys() - set(_ADDRESS):
        raise mistake(f"claims.address has an unknown member {shown(unknown)}")
    given = {name: part for name, part in address.items() if part is not None and part != ""}
    return {name: plain_text(f"claims.address.{name}", part) for name, part in given.items()}


def _groups(members: Mapping[str, Any], ids: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_group(item, ids) for item in items("groups", members["groups"])))


def _group(item: object, ids: Mapping[str, str]) -> str:
    if isinstance(item, Mapping):
        item = cast("Mapping[str, Any]", item).get("group_id")
    name = plain_text("groups", item)
    if name in ids:
        return ids[name]
    if name not in ids.values() and not _GUID.fullmatch(name):
        raise mistake("groups has a name that is neither an id nor in the groups mapping")
    return bare(lambda: segment("groups", name) and name)


def _notes(members: Mapping[str, Any]) -> tuple[str, ...]:
    given = items("notes", members["notes"]) if "notes" in members else ()
    notes = [plain_text("notes", note) for note in given]
    notes += [note for name, note in _LOST.items() if members.get(name)]
    if members.get("has_password") and not {"password", "password_hash"} & members.keys():
        notes.append("password: not in the row")
    if _is_export(members) and isinstance(members.get("claims"), Mapping):
        others = sorted(cast("Mapping[str, Any]", members["claims"]).keys() - _CLAIMS)
        notes += [f"claims.{name}: cannot be set" for name in others]
    return tuple(dict.fromkeys(notes))
