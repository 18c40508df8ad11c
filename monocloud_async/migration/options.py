"""The options of a migration."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Literal

import attrs

from ..errors import ConfigurationError

Path = str | os.PathLike[str]
_CHOICES = {
    "passwords": ("none", "skip"),
    "user_metadata": ("private", "public"),
    "group_names": ("path", "last"),
}


@attrs.frozen(kw_only=True)
class MappingOptions:
    """The options of a migration, with cautious defaults.

    Attributes:
        hashes: Auth0: the file of password hashes from its support. Clerk: the Dashboard's CSV,
            if the export is JSON, which has no hashes. Joined with the users by id.
        passwords: what to do with a user whose password cannot be imported: ``none`` creates the
            user without a password, ``skip`` skips the user.
        trust_emails: Okta: treat the primary address as verified if the file does not say.
        trust_phones: Firebase: treat the number as verified; the file never says.
        import_staged: Okta and Cognito: also import users who were invited or started to sign
            up, but have not finished.
        user_metadata: Auth0: where to put ``user_metadata``, which users can edit themselves.
        provider_emails: Firebase: add the addresses of external providers as unverified ones.
        group_names: Keycloak: ``path`` keeps ``/staff/eu`` as the group's name, ``last`` uses
            ``eu``.
        groups: Cognito, Okta, Auth0 and Clerk, whose exports have no groups: group names by user
            id (Cognito: by username).
        bcrypt_plain: Keycloak: whether the hashes of a bcrypt plug-in are plain bcrypt, without a
            pepper or an inner hash. Try one account first.
        phone_attributes: Keycloak: the attributes that may hold a phone number, in order of
            preference.
        allow_truncated: read the complete records of a file that ends in the middle of one.
    """

    hashes: Path | None = None
    passwords: Literal["none", "skip"] = "none"
    trust_emails: bool = False
    trust_phones: bool = False
    import_staged: bool = False
    user_metadata: Literal["private", "public"] = "private"
    provider_emails: bool = False
    group_names: Literal["path", "last"] = "path"
    groups: Mapping[str, Sequence[str]] = attrs.field(factory=dict[str, Sequence[str]], repr=False)
    bcrypt_plain: bool = False
    phone_attributes: Sequence[str] = ("phoneNumber", "phone_number", "phone", "mobile")
    allow_truncated: bool = False

    def __attrs_post_init__(self) -> None:
        for name, known in _CHOICES.items():
            if (given := getattr(self, name)) not in known:
                raise ConfigurationError(
                    f"{name} must be {' or '.join(known)}, not {given!r}; nothing was read"
                )
