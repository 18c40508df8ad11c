"""The supported systems, and their display names."""

from __future__ import annotations

from typing import Literal, get_args

from ..errors import ConfigurationError

System = Literal["auth0", "clerk", "firebase", "cognito", "keycloak", "okta"]
SYSTEMS: tuple[System, ...] = get_args(System)

NAMES: dict[System, str] = {
    "auth0": "Auth0",
    "clerk": "Clerk",
    "firebase": "Firebase",
    "cognito": "Cognito",
    "keycloak": "Keycloak",
    "okta": "Okta",
}


def checked(system: str) -> System:
    """Return a supported system's name.

    Raises:
        ConfigurationError: the system is unknown.
    """
    for known in SYSTEMS:
        if system == known:
            return known
    raise ConfigurationError(
        f"unknown system {system!r}; nothing was read: use one of {', '.join(SYSTEMS)}"
    )
