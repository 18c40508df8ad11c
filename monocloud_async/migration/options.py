"""What can be chosen about a migration."""

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
    """What can be chosen about a migration; the defaults are the careful ones.

    Attributes:
        hashes: for Auth0, the file of password hashes that its support sends; for Clerk, the
            Dashboard's CSV beside a JSON file, which has no hashes. Joined with the people by id.
        passwords: what happens to a person whose password cannot be imported: ``none`` creates the
            user without a password, ``skip`` leaves the person out.
        trust_emails: Okta: take the primary address for verified where the file does not say.
        trust_phones: Firebase: take the number for verified; the file never says.
        import_staged: Okta and Cognito: import people who were invited, or have begun to sign up,
            and have not finished.
        user_metadata: Auth0: where ``user_metadata`` goes, which people can edit themselves.
        provider_emails: Firebase: add the addresses of external providers, unverified.
        group_names: Keycloak: ``path`` keeps ``/staff/eu`` as the group's name, ``last`` takes
            ``eu``.
        groups: Cognito, Okta, Auth0 and Clerk, whose exports have no groups: the names of a
            person's groups by the person's id there (Cognito: the user name).
        bcrypt_plain: Keycloak: whether hashes of a bcrypt plug-in are plain ones, without a pepper
            and without another hash beneath; try one account first.
        phone_attributes: Keycloak: the attributes that may hold a phone number, first come first.
        allow_truncated: read the whole records of a file that ends in the middle of one.
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
                    f"{name} must be {' or '.join(known)}, and it is {given!r}; nothing was read"
                )
