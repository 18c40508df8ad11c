"""A user of a tenant, in every shape that the API has sent one.

API page: https://www.monocloud.com/docs/apis/identity/users/set_primary_phone

Every member but the ids may be missing, as it is in records of other times and plans: None, or
empty, stands for missing. Kinds of provider and of authenticator are plain strings, since the
API adds new ones.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from ._record import AnswerRecord, Record, free_json, nullable


@attrs.frozen(kw_only=True)
class UserPhone(Record):
    """A phone number that a user signs in with.

    Attributes:
        id: the identifier to call the API with.
        phone: the number, E.164.
        primary: whether it is the user's default number.
        verified: whether the user has proved to hold it.
        source: where it was first collected.
        verification_source: who verified it.
        authenticators: what it can sign in with (records of before 2025).
        idps: the providers it came from (records of before 2025).
    """

    id: str
    phone: str | None = None
    primary: bool | None = None
    verified: bool | None = None
    source: str | None = nullable()
    verification_source: str | None = nullable()
    authenticators: tuple[str, ...] = ()
    idps: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class UserEmail(Record):
    """An email address that a user signs in with.

    Attributes:
        id: the identifier to call the API with.
        email: the address.
        primary: whether it is the user's default address.
        verified: whether the user has proved to hold it.
        source: where it was first collected.
        verification_source: who verified it.
        authenticators: what it can sign in with (records of before 2025).
        idps: the providers it came from (records of before 2025).
    """

    id: str
    email: str | None = None
    primary: bool | None = None
    verified: bool | None = None
    source: str | None = nullable()
    verification_source: str | None = nullable()
    authenticators: tuple[str, ...] = ()
    idps: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class UserUsername(Record):
    """The name that a user signs in with.

    Attributes:
        id: the identifier to call the API with.
        username: the name.
        source: where it was first collected.
        authenticators: what it can sign in with (records of before 2025).
        idps: the providers it came from (records of before 2025).
    """

    id: str
    username: str | None = None
    source: str | None = nullable()
    authenticators: tuple[str, ...] = ()
    idps: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class UserPasskey(Record):
    """A passkey that a user signs in with.

    Attributes:
        passkey_id: the identifier to call the API with.
        name: what the user calls it.
        public_key: its public key, base64.
        aa_guid: the kind of device that made it.
        backup_state: whether it is backed up.
        backup_eligibility: whether it can be.
        user_present: whether someone was there when it was made.
        user_verified: whether the device knew that it was the user.
        user_agent: the browser that it was made with.
    """

    passkey_id: str | None = None
    name: str | None = nullable()
    public_key: str | None = None
    aa_guid: str | None = None
    backup_state: bool | None = None
    backup_eligibility: bool | None = None
    user_present: bool | None = None
    user_verified: bool | None = None
    user_agent: str | None = None


@attrs.frozen(kw_only=True)
class UserIdp(Record):
    """An account at another provider (records of before 2025; now UserExternalProvider).

    Attributes:
        authenticator: the provider, such as ``google``.
        provider_user_id: the account's id there.
        claims: what the provider says of the user.
    """

    provider_user_id: str
    authenticator: str | None = None
    claims: Mapping[str, Any] = free_json()


@attrs.frozen(kw_only=True)
class UserExternalProvider(Record):
    """An account at another provider.

    Attributes:
        provider: the name of the tenant's connection to it.
        authenticator: the kind of provider, such as ``google``.
        provider_user_id: the account's id there.
        claims: what the provider says of the user; lists leave it out.
    """

    provider_user_id: str
    provider: str | None = None
    authenticator: str | None = None
    claims: Mapping[str, Any] = free_json()


@attrs.frozen(kw_only=True)
class UserConnection(Record):
    """A link to an identity provider, MonoCloud's own included.

    Attributes:
        idp: the provider, such as ``monocloud`` or ``google``.
        connection_id: the account's id there.
    """

    connection_id: str
    idp: str | None = None


@attrs.frozen(kw_only=True)
class UserSummary(AnswerRecord):
    """A user of a tenant, as lists have them: without the two kinds of data.

    Attributes:
        user_id: the id to call the API with.
        disabled: whether the account is switched off.
        claims: profile claims, an open set.
        emails: the user's email addresses.
        phone_numbers: the user's phones; ``primary_phone`` is the default one.
        username: the user's name to sign in with.
        passkeys: the user's passkeys.
        connections: the identity providers that the user is known to.
        external_providers: the user's accounts elsewhere.
        idps: the user's accounts elsewhere, in records of before 2025.
        creation_time: when the account was made.
        last_updated: when the account was last changed.
        has_password: whether the user has a password.
        password_updated_at: when it was last set.
        force_password_reset: whether the user must reset it at the next sign-in.
        blocked: whether sign-in is blocked, in records of before late 2025.
        block_until: when a block of sign-in ends.
        failure_count: failed sign-ins since the last good one.
        sign_in_count: sign-ins, in records of before 2025.
        sign_in_attempts_count: tries to sign in.
        sign_in_success_count: tries that went well.
        last_sign_in_attempt: when the last try was.
        last_sign_in_success: when the last good try was.
        last_sign_in_ip: the address of the last sign-in, in records of before 2025.
        last_sign_in_attempt_ip: the address of the last try.
        last_sign_in_success_ip: the address of the last good try.
        last_activity: when the user was last seen.
        last_known_city: where that was.
        last_known_region: where that was.
        last_known_country: where that was.
    """

    user_id: str
    disabled: bool | None = None
    claims: Mapping[str, Any] = free_json()
    emails: tuple[UserEmail, ...] = ()
    phone_numbers: tuple[UserPhone, ...] = ()
    username: UserUsername | None = nullable()
    passkeys: tuple[UserPasskey, ...] = ()
    connections: tuple[UserConnection, ...] = ()
    external_providers: tuple[UserExternalProvider, ...] = ()
    idps: tuple[UserIdp, ...] = ()
    creation_time: datetime | None = None
    last_updated: datetime | None = nullable()
    has_password: bool | None = None
    password_updated_at: datetime | None = nullable()
    force_password_reset: bool | None = None
    blocked: bool | None = None
    block_until: datetime | None = nullable()
    failure_count: int | None = None
    sign_in_count: int | None = None
    sign_in_attempts_count: int | None = None
    sign_in_success_count: int | None = None
    last_sign_in_attempt: datetime | None = nullable()
    last_sign_in_success: datetime | None = nullable()
    last_sign_in_ip: str | None = nullable()
    last_sign_in_attempt_ip: str | None = nullable()
    last_sign_in_success_ip: str | None = nullable()
    last_activity: datetime | None = nullable()
    last_known_city: str | None = nullable()
    last_known_region: str | None = nullable()
    last_known_country: str | None = nullable()

    @property
    def primary_phone(self) -> UserPhone | None:
        """The phone that is the user's default, or None where no phone is."""
        return next((phone for phone in self.phone_numbers if phone.primary), None)


@attrs.frozen(kw_only=True)
class User(UserSummary):
    """A user of a tenant, whole.

    Attributes:
        public_data: free JSON that the user's clients see.
        private_data: free JSON for backends only.
    """

    public_data: Mapping[str, Any] = free_json()
    private_data: Mapping[str, Any] = free_json()
