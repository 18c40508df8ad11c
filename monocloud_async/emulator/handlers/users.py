"""Accounts."""

from __future__ import annotations

import secrets
import string
from typing import Any
from uuid import uuid4

import attrs

from ...models import UserSummary
from ...operations import users
from .. import identifiers
from ..account import IDENTIFIERS, Account, Json
from ..answering import answers
from ..body import Body, BodyMember
from ..listing import Listing
from ..password_rules import checked, keep
from ..search import Fields
from ..tenant import Tenant

_CREATION_CLAIMS = ("name", "given_name", "middle_name", "family_name", "nickname", "picture")
_CLAIMS = (
    *_CREATION_CLAIMS,
    *("preferred_username", "profile", "birthdate", "website", "gender", "zoneinfo", "locale"),
)
_ADDRESS = ("formatted", "street_address", "locality", "region", "postal_code", "country")
_TEXT = BodyMember(str, nullable=True)
_ADDRESS_BODY = Body(dict.fromkeys(_ADDRESS, _TEXT))
_CLAIMS_BODY = Body(
    {
        **dict.fromkeys(_CLAIMS, _TEXT),
        "address": BodyMember(dict, nullable=True),
        "skip_conformance_checks": BodyMember(bool),
    }
)
_CREATION_BODY = Body(
    {
        **dict.fromkeys(("username", "email", "phone_number"), _TEXT),
        **dict.fromkeys(
            ("email_verified", "phone_number_verified"), BodyMember(bool, nullable=True)
        ),
        **dict.fromkeys(("password", "password_hash", *_CREATION_CLAIMS), _TEXT),
        "password_hash_algorithm": BodyMember(str),
        "is_temporary_password": BodyMember(bool),
        "skip_password_policy_checks": BodyMember(bool),
        "skip_identifier_restriction_checks": BodyMember(bool),
        "skip_conformance_checks": BodyMember(bool),
    }
)
_FREE = ("public_data", "private_data")
_ID_LETTERS = string.ascii_letters + string.digits
_ID_LENGTH = 21
_PATHS = {"email": "emails.email", "phone": "phone_numbers.phone", "username": "username.username"}


def summary(record: Json) -> Json:
    """Return a user as lists show it."""
    shown = {name: value for name, value in record.items() if name not in _FREE}
    for member in ("external_providers", "idps"):
        if member in shown:
            shown[member] = [
                {name: value for name, value in row.items() if name != "claims"}
                for row in shown[member]
            ]
    return shown


USERS = Listing(
    sort=(
        *("failure_count", "last_sign_in_attempt", "sign_in_attempts_count"),
        *("last_sign_in_success", "sign_in_success_count", "last_activity", "block_until"),
        *("creation_time", "last_updated"),
    ),
    search=Fields(
        names=[field.name for field in attrs.fields(UserSummary)],
        aliases={
            **{name: f"claims.{name}" for name in _CLAIMS},
            **_PATHS,
            "phone_number": _PATHS["phone"],
        },
        alone=["user_id", *_PATHS.values(), "claims"],
    ),
    shown=summary,
)


@answers(users.LIST, listing=USERS)
def list_(tenant: Tenant) -> list[Json]:
    """Return all users."""
    return [account.record for account in tenant.accounts.values()]


@answers(users.GET)
def get(tenant: Tenant, user_id: str) -> Json:
    """Return a user."""
    return tenant.account(user_id).record


@answers(users.DELETE)
def delete(tenant: Tenant, user_id: str) -> None:
    """Delete a user and everything that belongs to it."""
    tenant.remove(user_id)


@answers(users.ENABLE)
def enable(tenant: Tenant, user_id: str) -> Json:
    """Enable an account."""
    record = tenant.change(user_id).record
    record["disabled"] = False
    return record


@answers(users.DISABLE)
def disable(tenant: Tenant, user_id: str, *, revoke_sessions: bool = False) -> Json:
    """Disable an account."""
    account = tenant.change(user_id)
    account.record["disabled"] = True
    if revoke_sessions:
        account.revoke_sessions()
    return account.record


@answers(users.UNBLOCK)
def unblock(tenant: Tenant, user_id: str) -> Json:
    """Unblock a user's sign-in."""
    record = tenant.change(user_id).record
    record.update(block_until=None, failure_count=0)
    if "blocked" in record:
        record["blocked"] = False
    return record


@answers(users.PATCH_CLAIMS, body=_CLAIMS_BODY)
def patch_claims(tenant: Tenant, user_id: str, **changes: Any) -> Json:
    """Patch individual claims; null removes one."""
    changes.pop("skip_conformance_checks", None)
    record = tenant.change(user_id).record
    claims: Json = record.get("claims") or {}
    if address := changes.get("address"):
        before: Json = claims.get("address") or {}
        changes["address"] = _merged(before, _ADDRESS_BODY.checked(address, "address.")) or None
    record["claims"] = _merged(claims, changes)
    return record


@answers(users.CREATE, status=201, body=_CREATION_BODY)
def create(tenant: Tenant, **given: Any) -> Json:
    """Create a user with a primary email address and phone."""
    account = Account(_new_record(tenant.now(), given))
    for kind, member in (("email", "email"), ("phone", "phone_number")):
        if (value := given.get(member)) is not None:
            identifiers.check(tenant, kind, value)
            verified = bool(given.get(f"{member}_verified"))
            row = identifiers.added(kind, value, verified=verified, primary=True)
            account.record[IDENTIFIERS[kind]].append(row)
    if (name := given.get("username")) is not None:
        identifiers.check(tenant, "username", name)
        account.record["username"] = {"id": str(uuid4()), "username": name, "source": None}
    _set_password(account, tenant.now(), given)
    tenant.add(account)
    return account.record


def _set_password(account: Account, now: int, given: Json) -> None:
    if given.get("password") is None and given.get("password_hash") is None:
        return
    new = checked(
        *(given.get(name) for name in ("password", "password_hash", "password_hash_algorithm")),
        skip=given.get("skip_password_policy_checks", False),
    )
    keep(account, new, now, temporary=given.get("is_temporary_password", True))


def _new_record(now: int, given: Json) -> Json:
    user_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH))
    claims = {name: given[name] for name in _CREATION_CLAIMS if given.get(name) is not None}
    counts = ("failure_count", "sign_in_attempts_count", "sign_in_success_count")
    unknown = (
        *("username", "password_updated_at", "block_until"),
        *("last_sign_in_attempt", "last_sign_in_attempt_ip"),
        *("last_sign_in_success", "last_sign_in_success_ip", "last_activity"),
        *("last_known_city", "last_known_country", "last_known_region"),
    )
    return {
        "user_id": user_id,
        "disabled": False,
        "connections": [{"idp": "monocloud", "connection_id": user_id}],
        "claims": claims,
        **{name: {} for name in _FREE},
        **{name: [] for name in ("emails", "phone_numbers", "passkeys", "external_providers")},
        "force_password_reset": False,
        "creation_time": now,
        "last_updated": now,
        "has_password": False,
        **dict.fromkeys(counts, 0),
        **dict.fromkeys(unknown),
    }


def _merged(before: Json, changes: Json) -> Json:
    merged = {**before, **changes}
    return {name: value for name, value in merged.items() if value is not None}
