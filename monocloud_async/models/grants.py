"""What users have granted to applications."""

from datetime import datetime

import attrs

from ._record import Record, nullable


@attrs.frozen(kw_only=True)
class UserClientGrants(Record):
    """What a user has granted to one application.

    Attributes:
        client_id: the application's id.
        consented: whether the user consented.
        refresh_tokens: the number of refresh tokens it holds.
        reference_tokens: the number of reference tokens it holds.
        authorization_codes: the number of authorization codes it holds.
    """

    client_id: str
    consented: bool | None = None
    refresh_tokens: int | None = None
    reference_tokens: int | None = None
    authorization_codes: int | None = None


@attrs.frozen(kw_only=True)
class UserConsentScope(Record):
    """One scope of a consent.

    Attributes:
        scope: the scope.
        granted_on: when the user granted it.
        expiration: when the grant expires.
    """

    scope: str
    granted_on: datetime | None = None
    expiration: datetime | None = nullable()


@attrs.frozen(kw_only=True)
class UserConsent(Record):
    """A user's consent to one application.

    Attributes:
        id: the record's id.
        client_id: the application's id.
        creation_time: when the user consented.
        scopes: what the user consented to.
    """

    id: str
    client_id: str | None = None
    creation_time: datetime | None = None
    scopes: tuple[UserConsentScope, ...] = ()


@attrs.frozen(kw_only=True)
class ReferenceToken(Record):
    """A reference token that an application holds.

    Attributes:
        id: the record's id.
        client_id: the application's id.
        creation_time: when it was issued.
        session_id: the session that it was issued in.
        is_session_bound: whether it ends with the session.
        scopes: what it allows.
        expiration: when it expires.
        audiences: the APIs that it is for.
        issuer: the tenant that issued it.
    """

    id: str
    client_id: str | None = None
    creation_time: datetime | None = None
    session_id: str | None = nullable()
    is_session_bound: bool | None = None
    scopes: tuple[str, ...] = ()
    expiration: datetime | None = nullable()
    audiences: tuple[str, ...] = ()
    issuer: str | None = nullable()


@attrs.frozen(kw_only=True)
class RefreshToken(ReferenceToken):
    """A refresh token that an application holds; its attributes are those of ReferenceToken."""


@attrs.frozen(kw_only=True)
class AuthorizationCode(Record):
    """An authorization code that an application has yet to redeem.

    Attributes:
        id: the record's id.
        client_id: the application's id.
        creation_time: when it was issued.
        session_id: the session that it was issued in.
        authorized_scopes: what it allows.
        requested_scopes: the same, in records from before May 2025.
        expiration: when it expires.
    """

    id: str
    client_id: str | None = None
    creation_time: datetime | None = None
    session_id: str | None = nullable()
    authorized_scopes: tuple[str, ...] = ()
    requested_scopes: tuple[str, ...] = ()
    expiration: datetime | None = nullable()
