"""What the emulator does for each operation; the files are those of ``operations``."""

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
