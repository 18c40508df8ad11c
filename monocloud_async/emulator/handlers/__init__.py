"""The emulator's handlers; the modules mirror those of ``operations``."""

from ..answering import HANDLERS
from . import (
    blocked_ips,
    data,
    emails,
    external_providers,
    grants,
    groups,
    passkeys,
    passwords,
    phones,
    sessions,
    usernames,
    users,
)

__all__ = [
    "HANDLERS",
    "blocked_ips",
    "data",
    "emails",
    "external_providers",
    "grants",
    "groups",
    "passkeys",
    "passwords",
    "phones",
    "sessions",
    "usernames",
    "users",
]
