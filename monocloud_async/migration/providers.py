"""MonoCloud's names of external providers that other systems name differently."""

from __future__ import annotations

from .systems import System

_ALIASES: dict[System, dict[str, str]] = {
    "auth0": {
        "google-oauth2": "google",
        "windowslive": "microsoft",
        "waad": "microsoft",
    },
    "clerk": {
        "oauth_google": "google",
        "oauth_apple": "apple",
        "oauth_facebook": "facebook",
        "oauth_microsoft": "microsoft",
        "oauth_github": "github",
        "oauth_gitlab": "gitlab",
        "oauth_discord": "discord",
        "oauth_x": "twitter",
        "oauth_twitter": "twitter",
        "oauth_linkedin": "linkedin",
        "oauth_linkedin_oidc": "linkedin",
        "oauth_xero": "xero",
    },
    "firebase": {
        "google.com": "google",
        "apple.com": "apple",
        "facebook.com": "facebook",
        "microsoft.com": "microsoft",
        "github.com": "github",
        "twitter.com": "twitter",
        "linkedin.com": "linkedin",
    },
    "cognito": {
        "google": "google",
        "facebook": "facebook",
        "signinwithapple": "apple",
    },
    "keycloak": {"linkedin-openid-connect": "linkedin"},
    "okta": {},
}


def provider(system: System, name: str) -> str:
    """Return MonoCloud's name of a provider; unknown names are kept."""
    return _ALIASES[system].get(name.lower(), name)
