"""The blocking twins of the async resources, one line per method.

They are Final so that type checkers can rely on the type that `blocking` returns.
"""

from __future__ import annotations

from typing import Any, Final

import monocloud_async.resources as aio

from ._blocking import blocking
from ._iterating import iterating
from .exporting import exporting
from .pages import paging


class Resource:
    """A group of related API operations.

    Args:
        resource: the async twin.
    """

    def __init__(self, resource: Any) -> None:
        self._async = resource


class UsersResource(Resource):
    """Operations on the users of a tenant."""

    list: Final = paging(aio.UsersResource.list)
    export: Final = exporting(aio.UsersResource.export)
    create: Final = blocking(aio.UsersResource.create)
    import_many: Final = iterating(aio.UsersResource.import_many)
    get: Final = blocking(aio.UsersResource.get)
    delete: Final = blocking(aio.UsersResource.delete)
    enable: Final = blocking(aio.UsersResource.enable)
    disable: Final = blocking(aio.UsersResource.disable)
    unblock: Final = blocking(aio.UsersResource.unblock)
    patch_claims: Final = blocking(aio.UsersResource.patch_claims)


class UsernamesResource(Resource):
    """Operations on the usernames that users sign in with."""

    update: Final = blocking(aio.UsernamesResource.update)
    remove: Final = blocking(aio.UsernamesResource.remove)


class EmailsResource(Resource):
    """Operations on the email addresses that users sign in with."""

    add: Final = blocking(aio.EmailsResource.add)
    remove: Final = blocking(aio.EmailsResource.remove)
    set_primary: Final = blocking(aio.EmailsResource.set_primary)
    set_verified: Final = blocking(aio.EmailsResource.set_verified)
    set_unverified: Final = blocking(aio.EmailsResource.set_unverified)
    send_verification_link: Final = blocking(aio.EmailsResource.send_verification_link)


class PhonesResource(Resource):
    """Operations on the phone numbers that users sign in with."""

    set_primary: Final = blocking(aio.PhonesResource.set_primary)
    set_primary_by_number: Final = blocking(aio.PhonesResource.set_primary_by_number)
    set_primary_many: Final = iterating(aio.PhonesResource.set_primary_many)
    add: Final = blocking(aio.PhonesResource.add)
    remove: Final = blocking(aio.PhonesResource.remove)
    set_verified: Final = blocking(aio.PhonesResource.set_verified)
    set_unverified: Final = blocking(aio.PhonesResource.set_unverified)


class PasskeysResource(Resource):
    """Operations on the passkeys that users sign in with."""

    remove: Final = blocking(aio.PasskeysResource.remove)


class PasswordsResource(Resource):
    """Operations on the passwords of users."""

    set: Final = blocking(aio.PasswordsResource.set)
    change: Final = blocking(aio.PasswordsResource.change)
    reset: Final = blocking(aio.PasswordsResource.reset)
    remove: Final = blocking(aio.PasswordsResource.remove)
    set_reset_required: Final = blocking(aio.PasswordsResource.set_reset_required)
    remove_reset_required: Final = blocking(aio.PasswordsResource.remove_reset_required)


class DataResource(Resource):
    """Operations on the data that a tenant stores with its users."""

    get_private: Final = blocking(aio.DataResource.get_private)
    patch_private: Final = blocking(aio.DataResource.patch_private)
    get_public: Final = blocking(aio.DataResource.get_public)
    patch_public: Final = blocking(aio.DataResource.patch_public)


class BlockedIpsResource(Resource):
    """Operations on the IP addresses that the tenant blocks for its users."""

    list: Final = paging(aio.BlockedIpsResource.list)
    unblock: Final = blocking(aio.BlockedIpsResource.unblock)


class SessionsResource(Resource):
    """Operations on the sessions of users."""

    list: Final = paging(aio.SessionsResource.list)
    get: Final = blocking(aio.SessionsResource.get)
    revoke: Final = blocking(aio.SessionsResource.revoke)


class ExternalProvidersResource(Resource):
    """Operations on the accounts at other identity providers that users sign in with."""

    disconnect: Final = blocking(aio.ExternalProvidersResource.disconnect)


class GroupsResource(Resource):
    """Operations on the group memberships of users."""

    list: Final = paging(aio.GroupsResource.list)
    get: Final = blocking(aio.GroupsResource.get)
    assign: Final = blocking(aio.GroupsResource.assign)
    remove: Final = blocking(aio.GroupsResource.remove)
    list_users: Final = paging(aio.GroupsResource.list_users)


class GrantsResource(Resource):
    """Operations on what users have granted to applications: consents, tokens and codes."""

    list_client_grants: Final = paging(aio.GrantsResource.list_client_grants)
    list_consents: Final = paging(aio.GrantsResource.list_consents)
    list_reference_tokens: Final = paging(aio.GrantsResource.list_reference_tokens)
    list_refresh_tokens: Final = paging(aio.GrantsResource.list_refresh_tokens)
    list_authorization_codes: Final = paging(aio.GrantsResource.list_authorization_codes)
    revoke_client_grants: Final = blocking(aio.GrantsResource.revoke_client_grants)
    revoke_consent: Final = blocking(aio.GrantsResource.revoke_consent)
    revoke_reference_token: Final = blocking(aio.GrantsResource.revoke_reference_token)
    revoke_refresh_token: Final = blocking(aio.GrantsResource.revoke_refresh_token)
    revoke_authorization_code: Final = blocking(aio.GrantsResource.revoke_authorization_code)
