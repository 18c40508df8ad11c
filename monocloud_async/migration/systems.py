"""The systems whose exports are read, and what people call them."""

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
    """Return the name of a system, if it is one.

    Raises:
        ConfigurationError: no such system is known.
    """
    for known in SYSTEMS:
        if system == known:
            return known
    raise ConfigurationError(
        f"no system is called {system!r}; nothing was read: give one of {', '.join(SYSTEMS)}"
    )
