"""Auth0: users-exports jobs, the export extension, and the password hashes from its support."""

from __future__ import annotations

from typing import Any

from .options import MappingOptions
from .person import Person
from .row import Row, Skip
from .values import Record, flag, items, of_iso, table, tables, text
from .values import locale as hyphenated

# The names of profile members in the extension's columns and in the hashes file.
_ALIASES = {
    "id": "user_id",
    "emailverified": "email_verified",
    "firstname": "given_name",
    "lastname": "family_name",
    "phone_number_verified": "phone_verified",
}
_CLAIMS = ("given_name", "family_name", "nickname", "picture", "gender")
# Auth0's own connections; any other identity is an account at an external provider.
_OWN = frozenset({"auth0", "sms", "email"})
_FACTORS = frozenset({"otp", "recovery-code"})


def to_row(record: Record, options: MappingOptions | None = None) -> Row | Skip:
    """Map a profile to an import row.

    Args:
        record: a line of the export, as ``read`` returns it, or a record of the hashes file.
        options: the mapping options.
    """
    options = options or MappingOptions()
    if record.get("type") in _FACTORS:
        return Skip("a second factor, not a person")
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
    """Return a record with its members renamed as in the API's profiles."""
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
    """Return the id of a record in the hashes file, which has two notations for it."""
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
    metadata = table(record, "user_metadata")
    if options.user_metadata == "public":
        person.public(metadata)
    else:
        person.private("user_metadata", metadata)
    person.private("app_metadata", table(record, "app_metadata"))
    person.remember(created_at=of_iso(record.get("created_at")))


def _add_identities(person: Person, record: Record, user_id: str | None) -> None:
    for place, item in enumerate(identities(record, user_id)):
        kind = text(item, "provider") or "unknown"
        if kind not in _OWN:
            connection = text(item, "connection")
            details = {"connection": connection if connection != kind else None}
            person.identity(kind, text(item, "user_id"), **details)
        profile = table(item, "profileData")
        if place:
            # The first identity is the profile itself. Of the others, keep the addresses.
            verified = flag(profile, "email_verified") or False
            person.email(text(profile, "email"), verified=verified)
            verified = flag(profile, "phone_verified", "phone_number_verified") or False
            person.phone(text(profile, "phone_number"), verified=verified)


def identities(record: Record, user_id: str | None) -> list[dict[str, Any]]:
    """Return a profile's identities, derived from its id if the export omits them."""
    found = tables(record, "identities")
    if not found and user_id and "|" in user_id:
        # The id itself may contain a bar too.
        provider, _, rest = user_id.partition("|")
        return [{"provider": provider, "user_id": rest}]
    return found


def _add_password(person: Person, record: Record, user_id: str | None) -> None:
    if found := text(record, "passwordhash"):
        person.password_hash(found)
    elif "passwordhash" in record:
        # The person is in the hashes file without a hash, so the user has no password.
        return
    elif any(text(item, "provider") == "auth0" for item in identities(record, user_id)):
        person.password_not_exported()
    elif record.get("identities") is None:
        # A database identity may be linked; the id alone does not tell.
        person.password_not_exported("perhaps: the export has no identities")
