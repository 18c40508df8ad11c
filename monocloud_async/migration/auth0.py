"""Auth0: the profiles of a users-exports job, of its extension, and the hashes of its support."""

from __future__ import annotations

from typing import Any

from .options import MappingOptions
from .person import Person
from .row import Row, Skip
from .values import Record, flag, items, of_iso, table, tables, text
from .values import locale as hyphenated

# What the extension's columns and the file of hashes call the members of a profile.
_ALIASES = {
    "id": "user_id",
    "emailverified": "email_verified",
    "firstname": "given_name",
    "lastname": "family_name",
    "phone_number_verified": "phone_verified",
}
_CLAIMS = ("given_name", "family_name", "nickname", "picture", "gender")
# Connections of Auth0's own: a sign-in at none of them is one at an external provider.
_OWN = frozenset({"auth0", "sms", "email"})
_FACTORS = frozenset({"otp", "recovery-code"})


def to_row(record: Record, options: MappingOptions | None = None) -> Row | Skip:
    """Return a profile as a row of an import.

    Args:
        record: a line of the export, as ``read`` returns it; or one of the file of hashes.
        options: what was chosen.
    """
    options = options or MappingOptions()
    if record.get("type") in _FACTORS:
        return Skip("a second factor, and not a person")
    record = _profile(record)
    user_id = text(record, "user_id")
    person = Person("auth0", user_id, options)
    email = text(record, "email")
    person.email(email, verified=flag(record, "email_verified") or False, primary=True)
    person.phone(
        text(record, "phone_number"),
        verified=flag(record, "phone_verified") or False,
        primary=True,
    )
    person.username(text(record, "username"))
    _add_claims(person, record, email)
    _add_metadata(person, record, options)
    _add_identities(person, record, user_id)
    _add_password(person, record, user_id)
    for factor in items(record, "multifactor"):
        person.second_factor(str(factor))
    person.groups(options.groups.get(user_id or "", ()))
    if flag(record, "blocked"):
        person.disable()
    return person.row()


def _profile(record: Record) -> dict[str, Any]:
    """Return a record with the members' names that a profile of the API has."""
    found: dict[str, Any] = {}
    for name, value in record.items():
        plain = name.lower().replace(" ", "_")
        alias = _ALIASES.get(plain, plain)
        if name == alias or alias not in record:
            found[alias] = value
    if "user_id" not in found and (oid := oid_of(record)):
        found["user_id"] = f"auth0|{oid}"
    for item in tables(found, "identifiers"):
        kind, value = text(item, "type"), text(item, "value")
        if kind in {"email", "phone_number", "username"} and value:
            found.setdefault(kind, value)
            flagged = "email_verified" if kind == "email" else "phone_verified"
            if found[kind] == value and kind != "username":
                found.setdefault(flagged, item.get("verified"))
    return found


def oid_of(record: Record) -> str | None:
    """Return the id of a record of the file of hashes, which is written in two ways."""
    given = record.get("_id")
    return text(table(record, "_id"), "$oid") if isinstance(given, dict) else text(record, "_id")


def _add_claims(person: Person, record: Record, email: str | None) -> None:
    name = text(record, "name")
    if name and name.lower() != (email or "").lower():
        person.claim("name", name)
    for claim in _CLAIMS:
        person.claim(claim, text(record, claim))
    if language := text(record, "locale"):
        person.claim("locale", hyphenated(language))


def _add_metadata(person: Person, record: Record, options: MappingOptions) -> None:
    theirs = table(record, "user_metadata")
    if options.user_metadata == "public":
        person.public(theirs)
    else:
        person.private("user_metadata", theirs)
    person.private("app_metadata", table(record, "app_metadata"))
    person.remember(created_at=of_iso(record.get("created_at")))


def _add_identities(person: Person, record: Record, user_id: str | None) -> None:
    for place, item in enumerate(identities(record, user_id)):
        kind = text(item, "provider") or "unknown"
        if kind not in _OWN:
            connection = text(item, "connection")
            named = {"connection": connection if connection != kind else None}
            person.identity(kind, text(item, "user_id"), **named)
        theirs = table(item, "profileData")
        if place:
            # The first is the profile itself; of the others, only this is left.
            verified = flag(theirs, "email_verified") or False
            person.email(text(theirs, "email"), verified=verified)
            verified = flag(theirs, "phone_verified", "phone_number_verified") or False
            person.phone(text(theirs, "phone_number"), verified=verified)


def identities(record: Record, user_id: str | None) -> list[dict[str, Any]]:
    """Return the identities of a profile; what its id says, where the export left them out."""
    found = tables(record, "identities")
    if not found and user_id and "|" in user_id:
        # The id may have a bar too.
        provider, _, rest = user_id.partition("|")
        return [{"provider": provider, "user_id": rest}]
    return found


def _add_password(person: Person, record: Record, user_id: str | None) -> None:
    if found := text(record, "passwordhash"):
        person.password_hash(found)
    elif "passwordhash" in record:
        # The file of hashes has the person, and no hash: there is no password.
        return
    elif any(text(item, "provider") == "auth0" for item in identities(record, user_id)):
        person.password_not_exported()
    elif record.get("identities") is None:
        # A database identity may be linked to it: the id alone does not say.
        person.password_not_exported("perhaps: the export has no identities")
