"""The records that the API sends."""

from .user import (
    User,
    UserConnection,
    UserEmail,
    UserExternalProvider,
    UserIdp,
    UserPasskey,
    UserPhone,
    UserUsername,
)

__all__ = [
    "User",
    "UserConnection",
    "UserEmail",
    "UserExternalProvider",
    "UserIdp",
    "UserPasskey",
    "UserPhone",
    "UserUsername",
]
