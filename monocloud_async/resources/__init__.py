"""The operations of the API, one class per resource."""

from ._resource import Resource
from .blocked_ips import BlockedIpsResource
from .data import DataResource
from .emails import EmailsResource
from .external_providers import ExternalProvidersResource
from .grants import GrantsResource
from .groups import GroupsResource
from .passkeys import PasskeysResource
from .passwords import PasswordsResource
from .phones import PhonesResource
from .sessions import SessionsResource
from .usernames import UsernamesResource
from .users import UsersResource

__all__ = [
    "BlockedIpsResource",
    "DataResource",
    "EmailsResource",
    "ExternalProvidersResource",
    "GrantsResource",
    "GroupsResource",
    "PasskeysResource",
    "PasswordsResource",
    "PhonesResource",
    "Resource",
    "SessionsResource",
    "UsernamesResource",
    "UsersResource",
]
