"""A user of a tenant, in every shape that the API has returned so far.

API: https://www.monocloud.com/docs/apis/identity/users/set_primary_phone

Every member except ids may be absent, depending on the record's age and the tenant's plan. Absent
members are None or empty. Provider and authenticator kinds are plain strings, because the API adds
new ones.
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
        id: the phone's id, for calls that take an ``identifier_id``.
        phone: the number in E.164 form.
        primary: whether it is the user's primary number.
        verified: whether the user has proven that they own it.
        source: where it was first collected.
        verification_source: who verified it.
        authenticators: the authenticators that use it (records from before 2025).
        idps: the identity providers that it came from (records from before 2025).
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
        id: the address's id, for calls that take an ``identifier_id``.
        email: the address.
        primary: whether it is the user's primary address.
        verified: whether the user has proven that they own it.
        source: where it was first collected.
        verification_source: who verified it.
        authenticators: the authenticators that use it (records from before 2025).
        idps: the identity providers that it came from (records from before 2025).
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
    """A username that a user signs in with.

    Attributes:
        id: the username's id.
        username: the username.
        source: where it was first collected.
        authenticators: the authenticators that use it (records from before 2025).
        idps: the identity providers that it came from (records from before 2025).
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
        passkey_id: the passkey's id.
        name: the name that the user gave it.
        public_key: its public key, base64-encoded.
        aa_guid: the AAGUID, which identifies the authenticator model.
        backup_state: whether it is backed up.
        backup_eligibility: whether it can be backed up.
        user_present: whether the user was present at registration.
        user_verified: whether the authenticator verified the user at registration.
        user_agent: the browser it was registered with.
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
    """An account at another identity provider (records from before 2025).

    Newer records have a UserExternalProvider instead.

    Attributes:
        authenticator: the provider, such as ``google``.
        provider_user_id: the account's id at the provider.
        claims: the provider's claims about the user.
    """

    provider_user_id: str
    authenticator: str | None = None
    claims: Mapping[str, Any] = free_json()


@attrs.frozen(kw_only=True)
class UserExternalProvider(Record):
    """An account at another identity provider.

    Attributes:
        provider: the name of the tenant's connection to the provider.
        authenticator: the kind of provider, such as ``google``.
        provider_user_id: the account's id at the provider.
        claims: the provider's claims about the user; lists omit them.
    """

    provider_user_id: str
    provider: str | None = None
    authenticator: str | None = None
    claims: Mapping[str, Any] = free_json()


@attrs.frozen(kw_only=True)
class UserConnection(Record):
    """A connection to an identity provider, including MonoCloud itself.

    Attributes:
        idp: the provider, such as ``monocloud`` or ``google``.
        connection_id: the account's id at the provider.
    """

    connection_id: str
    idp: str | None = None


@attrs.frozen(kw_only=True)
class UserSummary(AnswerRecord):
    """A user as lists return it, without public and private data.

    Attributes:
        user_id: the user's id.
        disabled: whether the account is disabled.
        claims: profile claims by name; a tenant may have any.
        emails: the user's email addresses.
        phone_numbers: the user's phones; ``primary_phone`` is the primary one.
        username: the user's username.
        passkeys: the user's passkeys.
        connections: the identity providers that the user is connected to.
        external_providers: the user's accounts at other identity providers.
        idps: the same, in records from before 2025.
        creation_time: when the account was created.
        last_updated: when the account was last changed.
        has_password: whether the user has a password.
        password_updated_at: when the password was last set.
        force_password_reset: whether the user must reset the password at the next sign-in.
        blocked: whether sign-in is blocked, in records from before late 2025.
        block_until: when the sign-in block ends.
        failure_count: failed sign-ins since the last successful one.
        sign_in_count: sign-ins, in records from before 2025.
        sign_in_attempts_count: sign-in attempts.
        sign_in_success_count: successful sign-ins.
        last_sign_in_attempt: when the last sign-in attempt was made.
        last_sign_in_success: when the last successful sign-in was.
        last_sign_in_ip: the IP address of the last sign-in, in records from before 2025.
        last_sign_in_attempt_ip: the IP address of the last sign-in attempt.
        last_sign_in_success_ip: the IP address of the last successful sign-in.
        last_activity: when the user was last active.
        last_known_city: the city of the last activity.
        last_known_region: the region of the last activity.
        last_known_country: the country of the last activity.
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
        """The user's primary phone; None if no phone is primary."""
        return next((phone for phone in self.phone_numbers if phone.primary), None)


@attrs.frozen(kw_only=True)
class User(UserSummary):
    """A complete user of a tenant.

    Attributes:
        public_data: free-form JSON that the user's applications can read.
        private_data: free-form JSON for backends only.
    """

    public_data: Mapping[str, Any] = free_json()
    private_data: Mapping[str, Any] = free_json()
