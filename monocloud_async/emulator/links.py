"""The links that the API sends to users."""

from __future__ import annotations

from .problems import invalid_fields
from .tenant import Tenant

# How long a link works, in seconds, where the request does not say.
_LIFETIME = 86_400


def expires_at(tenant: Tenant, expiry: int | None) -> int:
    """Return when a link that is made now ends, in seconds since 1970.

    Args:
        expiry: how long it shall work, in seconds.

    Raises:
        ProblemError: 422, that is not a time.
    """
    if expiry is not None and expiry < 1:
        raise invalid_fields({"expiry": ["expiry must be 1 or more."]})
    return tenant.now() + (_LIFETIME if expiry is None else expiry)
