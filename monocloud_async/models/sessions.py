"""A user's sessions."""

from datetime import datetime

import attrs

from ._record import AnswerRecord, Record, nullable


@attrs.frozen(kw_only=True)
class UserSessionMetadata(Record):
    """Where a session was last used.

    Attributes:
        city: the city.
        country: the country.
        region: the region.
        latitude: degrees, as text.
        longitude: degrees, as text.
        ip_address: the address.
        user_agent: the browser.
    """

    city: str | None = nullable()
    country: str | None = nullable()
    region: str | None = nullable()
    latitude: str | None = nullable()
    longitude: str | None = nullable()
    ip_address: str | None = nullable()
    user_agent: str | None = nullable()


@attrs.frozen(kw_only=True)
class UserSession(AnswerRecord):
    """A session of a user.

    Attributes:
        session_id: the session's id.
        client_ids: the applications that it includes.
        initiated_at: when it began.
        expires_at: when it ends.
        last_updated: when it was last used.
        last_metadata: where it was last used.
    """

    session_id: str
    client_ids: tuple[str, ...] = ()
    initiated_at: datetime | None = None
    expires_at: datetime | None = None
    last_updated: datetime | None = nullable()
    last_metadata: UserSessionMetadata | None = nullable()
