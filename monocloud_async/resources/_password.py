"""Passwords in a request body: in plain text, or as a hash from another system."""

from __future__ import annotations

from typing import Literal, get_args

from .._arguments import text
from .._secret import NOT_TEXT, Secret
from ..errors import InvalidArgumentError

PasswordAlgorithm = Literal["bcrypt"]
_ALGORITHMS: tuple[str, ...] = get_args(PasswordAlgorithm)


def password_members(
    prefix: str, password: Secret | None, hashed: Secret | None, algorithm: str | None
) -> dict[str, str]:
    """Return the body members for a password; empty without a password.

    Args:
        prefix: the prefix of the members' names.
        password: the password in plain text.
        hashed: a password hash, in place of ``password``.
        algorithm: the algorithm of ``hashed``.

    Raises:
        InvalidArgumentError: both were given, or a hash without its algorithm.
    """
    plain, hash_name, algorithm_name = (
        f"{prefix}{name}" for name in ("password", "password_hash", "password_hash_algorithm")
    )
    if password is not None and hashed is not None:
        raise InvalidArgumentError(f"pass {plain} or {hash_name}, not both; nothing was sent")
    if (hashed is None) != (algorithm is None):
        raise InvalidArgumentError(
            f"pass {hash_name} and {algorithm_name} together; nothing was sent"
        )
    if algorithm is not None and algorithm not in _ALGORITHMS:
        raise InvalidArgumentError(
            f"{algorithm_name} must be {' or '.join(map(repr, _ALGORITHMS))}, not {algorithm!r}; "
            "nothing was sent"
        )
    members: dict[str, str] = {}
    if password is not None:
        members[plain] = secret(plain, password)
    if hashed is not None and algorithm is not None:
        members[hash_name] = secret(hash_name, hashed)
        members[algorithm_name] = algorithm
    return members


def secret(name: str, value: Secret) -> str:
    """Return a secret if it can be sent; unlike other texts, it may consist of spaces."""
    if not value:
        text(name, value)
    if value == NOT_TEXT:
        raise InvalidArgumentError(f"{name} must be a string; nothing was sent")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError(
            f"{name} contains characters that UTF-8 cannot encode; nothing was sent"
        ) from None
    return value
