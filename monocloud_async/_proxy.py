"""Which proxy a client goes through. aiohttp's trust_env is not used: it reads .netrc as well."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from .errors import ConfigurationError


def proxy_for(origin: str, given: object) -> str | None:
    """Return the URL of the proxy to an origin, or None where there is none.

    Args:
        origin: where the calls go.
        given: the proxy asked for; if None, what the environment says, NO_PROXY honoured.

    Raises:
        ConfigurationError: what was asked for, or the environment says, is no proxy.
    """
    if given is not None:
        return _checked(given, "proxy")
    url = urlsplit(origin)
    if url.scheme != "https":
        # The API key would travel to the proxy in the clear, and only loopback is without TLS.
        return None
    proxies = getproxies_environment()
    name = "https" if proxies.get("https") else "all"
    found = proxies.get(name)
    if not found or proxy_bypass(url.netloc):
        return None
    return _checked(found if "://" in found else f"http://{found}", f"{name.upper()}_PROXY")


def _checked(value: object, source: str) -> str:
    if isinstance(value, str) and _is_proxy(value):
        return value
    # Its text is not shown: it may hold a password.
    raise ConfigurationError(f"{source} must be a URL such as 'http://proxy.example:3128'")


def _is_proxy(text: str) -> bool:
    try:
        url = urlsplit(text)
        return url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        return False
