"""Passwords."""

from __future__ import annotations

from .._arguments import count, flags
from .._secret import Secret, concealed
from ..errors import InvalidArgumentError
from ..models import ResetPasswordResponse, User
from ..operations import passwords
from ._password import PasswordAlgorithm, password_members, secret
from ._resource import Resource


class PasswordsResource(Resource):
    """The passwords of users."""

    async def set(
        self,
        user_id: str,
        password: str | None = None,
        *,
        password_hash: str | None = None,
        password_hash_algorithm: PasswordAlgorithm | None = None,
        is_temporary_password: bool | None = None,
        skip_password_policy_checks: bool | None = None,
        revoke_sessions: bool | None = None,
    ) -> User:
        """Set a user's password.

        Args:
            password: the password in plain text.
            password_hash: the hash of a password instead, as another system kept it.
            password_hash_algorithm: what made the hash.
            is_temporary_password: whether the user must reset it at the next sign-in; the API's
                default is True.
            skip_password_policy_checks: whether to accept one that the policy refuses.
            revoke_sessions: whether to end the user's sessions; the API's default is False.

        Where the answer is lost, it is not repeated: the tenant may refuse the same password twice.

        API page: https://www.monocloud.com/docs/apis/identity/users/set_password
        """
        password, password_hash = concealed(password), concealed(password_hash)
        body: dict[str, object] = {
            **_one_password("", password, password_hash, password_hash_algorithm),
            **flags(
                is_temporary_password=is_temporary_password,
                skip_password_policy_checks=skip_password_policy_checks,
                revoke_sessions=revoke_sessions,
            ),
        }
        return await self._call(passwords.SET, user_id, body=body)

    async def change(
        self,
        user_id: str,
        old_password: str,
        new_password: str | None = None,
        *,
        new_password_hash: str | None = None,
        new_password_hash_algorithm: PasswordAlgorithm | None = None,
        revoke_sessions: bool | None = None,
    ) -> User:
        """Change a user's password, given the present one.

        Args:
            old_password: the present password in plain text.
            new_password: the password in plain text.
            new_password_hash: the hash of a password instead, as another system kept it.
            new_password_hash_algorithm: what made the hash.
            revoke_sessions: whether to end the user's sessions.

        API page: https://www.monocloud.com/docs/apis/identity/users/change_password
        """
        old_password = concealed(old_password) or Secret()
        new_password, new_password_hash = concealed(new_password), concealed(new_password_hash)
        body: dict[str, object] = {
            "old_password": secret("old_password", old_password),
            **_one_password("new_", new_password, new_password_hash, new_password_hash_algorithm),
            **flags(revoke_sessions=revoke_sessions),
        }
        return await self._call(passwords.CHANGE, user_id, body=body)

    async def reset(
        self, user_id: str, *, send_email: bool | None = None, expiry: int | None = None
    ) -> ResetPasswordResponse:
        """Make a link with which a user can set a new password.

        Args:
            send_email: whether to send it to the user; the API's default is False.
            expiry: seconds until the link expires; None for the tenant's setting.

        Anyone who has the ``link`` can set the password. Each call makes another link, so one whose
        answer is lost is not repeated.

        API page: https://www.monocloud.com/docs/apis/identity/users/reset_password
        """
        body: dict[str, object] = {**flags(send_email=send_email)}
        if expiry is not None:
            body["expiry"] = count("expiry", expiry)
        return await self._call(passwords.RESET, user_id, body=body)

    async def remove(self, user_id: str) -> None:
        """Remove a user's password.

        A 404 after an attempt whose answer was lost counts as success: the password is gone.

        API page: https://www.monocloud.com/docs/apis/identity/users/remove_password
        """
        await self._call(passwords.REMOVE, user_id)

    async def set_reset_required(self, user_id: str) -> User:
        """Make a user reset the password at the next sign-in.

        API page: https://www.monocloud.com/docs/apis/identity/users/set_password_reset_required
        """
        return await self._call(passwords.SET_RESET_REQUIRED, user_id)

    async def remove_reset_required(self, user_id: str) -> User:
        """Let a user keep the password at the next sign-in.

        API page: https://www.monocloud.com/docs/apis/identity/users/remove_password_reset_required
        """
        return await self._call(passwords.REMOVE_RESET_REQUIRED, user_id)


def _one_password(
    prefix: str, password: Secret | None, hashed: Secret | None, algorithm: str | None
) -> dict[str, str]:
    members = password_members(prefix, password, hashed, algorithm)
    if not members:
        raise InvalidArgumentError(
            f"give {prefix}password or {prefix}password_hash; nothing was sent"
        )
    return members
