"""The passwords resource: set, change, reset and remove passwords."""

from __future__ import annotations

from .._arguments import count, flags
from .._secret import Secret, concealed
from ..errors import InvalidArgumentError
from ..models import ResetPasswordResponse, User
from ..operations import passwords
from ._password import PasswordAlgorithm, password_members, secret
from ._resource import Resource


class PasswordsResource(Resource):
    """Operations on the passwords of users."""

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

        The call is not retried when its response is lost: the tenant may refuse the same password
        twice.

        Args:
            user_id: the user's id.
            password: a plain-text password.
            password_hash: a password hash from another system, in place of ``password``.
            password_hash_algorithm: the algorithm of ``password_hash``.
            is_temporary_password: whether the user must reset the password at the next sign-in. The
                API defaults to True.
            skip_password_policy_checks: whether to accept a password that violates the tenant's
                password policy.
            revoke_sessions: whether to end the user's sessions. The API defaults to False.

        Returns:
            The updated user.

        API: ``PUT /api/users/{user_id}/password``
        https://www.monocloud.com/docs/apis/identity/users/set_password
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
        """Change a user's password, checking the current one.

        Args:
            user_id: the user's id.
            old_password: the current password in plain text.
            new_password: the new password in plain text.
            new_password_hash: a password hash from another system, in place of ``new_password``.
            new_password_hash_algorithm: the algorithm of ``new_password_hash``.
            revoke_sessions: whether to end the user's sessions.

        Returns:
            The updated user.

        API: ``PUT /api/users/{user_id}/password/change``
        https://www.monocloud.com/docs/apis/identity/users/change_password
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
        """Create a link that lets a user set a new password.

        Each call creates another link, so the call is not retried when its response is lost. Anyone
        who has the ``link`` can set the password.

        Args:
            user_id: the user's id.
            send_email: whether to email the link to the user. The API defaults to False.
            expiry: seconds until the link expires; by default, the tenant's setting applies.

        API: ``POST /api/users/{user_id}/password/reset``
        https://www.monocloud.com/docs/apis/identity/users/reset_password
        """
        body: dict[str, object] = {**flags(send_email=send_email)}
        if expiry is not None:
            body["expiry"] = count("expiry", expiry)
        return await self._call(passwords.RESET, user_id, body=body)

    async def remove(self, user_id: str) -> None:
        """Remove a user's password.

        After an attempt whose response was lost, a 404 counts as success: the password is gone.

        API: ``DELETE /api/users/{user_id}/password``
        https://www.monocloud.com/docs/apis/identity/users/remove_password
        """
        await self._call(passwords.REMOVE, user_id)

    async def set_reset_required(self, user_id: str) -> User:
        """Require a user to reset the password at the next sign-in.

        Returns:
            The updated user.

        API: ``POST /api/users/{user_id}/password/force_reset``
        https://www.monocloud.com/docs/apis/identity/users/set_password_reset_required
        """
        return await self._call(passwords.SET_RESET_REQUIRED, user_id)

    async def remove_reset_required(self, user_id: str) -> User:
        """Stop requiring a user to reset the password at the next sign-in.

        Returns:
            The updated user.

        API: ``DELETE /api/users/{user_id}/password/force_reset``
        https://www.monocloud.com/docs/apis/identity/users/remove_password_reset_required
        """
        return await self._call(passwords.REMOVE_RESET_REQUIRED, user_id)


def _one_password(
    prefix: str, password: Secret | None, hashed: Secret | None, algorithm: str | None
) -> dict[str, str]:
    members = password_members(prefix, password, hashed, algorithm)
    if not members:
        raise InvalidArgumentError(
            f"pass {prefix}password or {prefix}password_hash; nothing was sent"
        )
    return members
