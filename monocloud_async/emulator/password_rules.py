"""The password rules of the emulated tenant."""

from __future__ import annotations

import attrs

from .account import Account, Password
from .problems import identity_refused, invalid_fields

_SHORTEST = 8
# The name in the documentation, and the value in its examples.
_ALGORITHMS = ("bcrypt", "b_crypt")


@attrs.frozen
class NewPassword:
    """An accepted password; ``known`` is None if it came as a hash."""

    known: Password | None


def checked(
    password: str | None,
    hashed: str | None,
    algorithm: str | None,
    *,
    skip: bool,
    prefix: str = "",
) -> NewPassword:
    """Check a new password, in plain text or as a hash.

    Args:
        skip: whether to skip the rules, which do not apply to hashes anyway.
        prefix: a prefix for the names of the members.

    Raises:
        ProblemError: 422 if a member is missing or the rules reject the password.
    """
    if (password is None) == (hashed is None):
        name = f"{prefix}password"
        raise invalid_fields({name: [f"Either {name} or {name}_hash is required."]})
    if hashed is not None and algorithm not in _ALGORITHMS:
        name = f"{prefix}password_hash_algorithm"
        raise invalid_fields({name: [f"{name} must be bcrypt."]})
    if password is not None and not skip:
        _check_rules(password)
    return NewPassword(None if password is None else Password.of(password))


def keep(account: Account, new: NewPassword, now: int, *, temporary: bool) -> None:
    """Set a user's password.

    Args:
        now: the time, in seconds since 1970.
        temporary: whether the user must reset it.
    """
    account.password = new.known
    account.record.update(
        has_password=True, password_updated_at=now, force_password_reset=temporary
    )


def check_old(account: Account, password: str) -> None:
    """Reject a wrong password; any is accepted if the emulator does not know the current one.

    Raises:
        ProblemError: 422 if it is wrong, or the user does not have one.
    """
    known = account.password
    if not account.record.get("has_password") or (known and not known.is_right(password)):
        raise identity_refused(("PasswordMismatch", "The old password is wrong."))


def _check_rules(password: str) -> None:
    rules = (
        (
            len(password) >= _SHORTEST,
            ("PasswordTooShort", f"Passwords must be at least {_SHORTEST} characters."),
        ),
        (
            not password.isalnum(),
            (
                "PasswordRequiresNonAlphanumeric",
                "Passwords must have at least one character other than letters and digits.",
            ),
        ),
        (
            any(letter.isupper() for letter in password),
            ("PasswordRequiresUpper", "Passwords must have at least one upper-case letter."),
        ),
    )
    if broken := [finding for holds, finding in rules if not holds]:
        raise identity_refused(*broken)
