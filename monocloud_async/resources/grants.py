"""The grants resource: what users have granted to applications."""

from __future__ import annotations

from ..models import AuthorizationCode, ReferenceToken, RefreshToken, UserClientGrants, UserConsent
from ..operations import grants
from ..pages import Pages
from ._resource import Resource
from ._sorting import CreationSort


class GrantsResource(Resource):
    """Operations on what users have granted to applications: consents, tokens and codes."""

    def list_client_grants(
        self, user_id: str, *, page: int = 1, size: int = 50
    ) -> Pages[UserClientGrants]:
        """List what a user has granted, grouped by application.

        Args:
            user_id: the user's id.
            page: the first page to fetch, counting from 1.
            size: the number of records per page; the API may cap it.

        API: ``GET /api/users/{user_id}/grants/clients``
        https://www.monocloud.com/docs/apis/identity/users/get_all_user_client_grants
        """
        return self._pages(grants.LIST_CLIENT_GRANTS, user_id, page=page, size=size)

    def list_consents(
        self,
        user_id: str,
        *,
        client_id: str | None = None,
        sort: CreationSort | None = None,
        page: int = 1,
        size: int = 50,
    ) -> Pages[UserConsent]:
        """List a user's consents.

        Args:
            client_id: list only consents given to this application.
            sort: ``creation_time:1`` or ``creation_time:-1``.
            page: the first page to fetch, counting from 1.
            size: the number of records per page; the API may cap it.

        API: ``GET /api/users/{user_id}/grants/consents``
        https://www.monocloud.com/docs/apis/identity/users/get_all_user_consents
        """
        return self._pages(
            grants.LIST_CONSENTS, user_id, client_id=client_id, sort=sort, page=page, size=size
        )

    def list_reference_tokens(
        self,
        user_id: str,
        *,
        client_id: str | None = None,
        session_id: str | None = None,
        sort: CreationSort | None = None,
        page: int = 1,
        size: int = 50,
    ) -> Pages[ReferenceToken]:
        """List the reference tokens issued for a user.

        Args:
            client_id: list only those of this application.
            session_id: list only those issued in this session.
            sort: ``creation_time:1`` or ``creation_time:-1``.
            page: the first page to fetch, counting from 1.
            size: the number of records per page; the API may cap it.

        API: ``GET /api/users/{user_id}/grants/reference_tokens``
        https://www.monocloud.com/docs/apis/identity/users/get_all_reference_tokens
        """
        return self._pages(
            grants.LIST_REFERENCE_TOKENS,
            user_id,
            client_id=client_id,
            session_id=session_id,
            sort=sort,
            page=page,
            size=size,
        )

    def list_refresh_tokens(
        self,
        user_id: str,
        *,
        client_id: str | None = None,
        session_id: str | None = None,
        sort: CreationSort | None = None,
        page: int = 1,
        size: int = 50,
    ) -> Pages[RefreshToken]:
        """List the refresh tokens issued for a user.

        Args:
            client_id: list only those of this application.
            session_id: list only those issued in this session.
            sort: ``creation_time:1`` or ``creation_time:-1``.
            page: the first page to fetch, counting from 1.
            size: the number of records per page; the API may cap it.

        API: ``GET /api/users/{user_id}/grants/refresh_tokens``
        https://www.monocloud.com/docs/apis/identity/users/get_all_refresh_tokens
        """
        return self._pages(
            grants.LIST_REFRESH_TOKENS,
            user_id,
            client_id=client_id,
            session_id=session_id,
            sort=sort,
            page=page,
            size=size,
        )

    def list_authorization_codes(
        self,
        user_id: str,
        *,
        client_id: str | None = None,
        session_id: str | None = None,
        sort: CreationSort | None = None,
        page: int = 1,
        size: int = 50,
    ) -> Pages[AuthorizationCode]:
        """List the authorization codes issued for a user.

        Args:
            client_id: list only those of this application.
            session_id: list only those issued in this session.
            sort: ``creation_time:1`` or ``creation_time:-1``.
            page: the first page to fetch, counting from 1.
            size: the number of records per page; the API may cap it.

        API: ``GET /api/users/{user_id}/grants/codes``
        https://www.monocloud.com/docs/apis/identity/users/get_all_authorization_codes
        """
        return self._pages(
            grants.LIST_AUTHORIZATION_CODES,
            user_id,
            client_id=client_id,
            session_id=session_id,
            sort=sort,
            page=page,
            size=size,
        )

    async def revoke_client_grants(self, user_id: str, client_id: str) -> None:
        """Revoke everything a user has granted to an application.

        After an attempt whose response was lost, a 404 counts as success: the grants are gone.

        API: ``DELETE /api/users/{user_id}/grants/clients/{client_id}``
        https://www.monocloud.com/docs/apis/identity/users/revoke_user_client_grants
        """
        await self._call(grants.REVOKE_CLIENT_GRANTS, user_id, client_id)

    async def revoke_consent(self, user_id: str, consent_id: str) -> None:
        """Revoke a consent.

        After an attempt whose response was lost, a 404 counts as success: the consent is gone.

        API: ``DELETE /api/users/{user_id}/grants/consents/{consent_id}``
        https://www.monocloud.com/docs/apis/identity/users/revoke_user_consent
        """
        await self._call(grants.REVOKE_CONSENT, user_id, consent_id)

    async def revoke_reference_token(self, user_id: str, token_id: str) -> None:
        """Revoke a reference token.

        After an attempt whose response was lost, a 404 counts as success: the token is gone.

        API: ``DELETE /api/users/{user_id}/grants/reference_tokens/{token_id}``
        https://www.monocloud.com/docs/apis/identity/users/revoke_reference_token
        """
        await self._call(grants.REVOKE_REFERENCE_TOKEN, user_id, token_id)

    async def revoke_refresh_token(self, user_id: str, token_id: str) -> None:
        """Revoke a refresh token.

        After an attempt whose response was lost, a 404 counts as success: the token is gone.

        API: ``DELETE /api/users/{user_id}/grants/refresh_tokens/{token_id}``
        https://www.monocloud.com/docs/apis/identity/users/revoke_refresh_token
        """
        await self._call(grants.REVOKE_REFRESH_TOKEN, user_id, token_id)

    async def revoke_authorization_code(self, user_id: str, code_id: str) -> None:
        """Revoke an authorization code.

        After an attempt whose response was lost, a 404 counts as success: the code is gone.

        API: ``DELETE /api/users/{user_id}/grants/codes/{code_id}``
        https://www.monocloud.com/docs/apis/identity/users/revoke_authorization_code
        """
        await self._call(grants.REVOKE_AUTHORIZATION_CODE, user_id, code_id)
