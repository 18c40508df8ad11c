"""The links that the API sends to users."""

from __future__ import annotations

from .problems import invalid_fields
from .tenant import Tenant

# The default lifetime of a link, in seconds.
_LIFETIME = 86_400


def expires_at(tenant: Tenant, expiry: int | None) -> int:
    """Return when a link created now expires, in seconds since 1970.

    Args:
        expiry: its lifetime in seconds; None for the default.

    Raises:
        ProblemError: 422 if the lifetime is invalid.
    """
    if expiry is not None and expiry < 1:
        raise invalid_fields({"expiry": ["expiry must be 1 or more."]})
    return tenant.now() + (_LIFETIME if expiry is None else expiry)
