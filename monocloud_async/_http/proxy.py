"""The proxy of a client. aiohttp's trust_env is not used, because it reads .netrc as well."""

from __future__ import annotations

import ipaddress
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit
from urllib.request import getproxies_environment

import attrs
from yarl import URL

from .._address import is_loopback
from .._secret import Secret, concealed
from ..errors import ConfigurationError

_FORM = "a URL such as 'http://proxy.example:3128'"


@attrs.frozen(eq=False)
class Proxy:
    """A proxy.

    Attributes:
        url: the proxy's URL, without credentials.
        headers: headers for the proxy only, not the tenant: its credentials, if any.
    """

    url: URL
    headers: Mapping[str, str]


def proxy_for(origin: str, given: Secret | None) -> Proxy | None:
    """Return the proxy for an origin, or None to connect directly.

    Args:
        origin: the origin of the calls.
        given: the configured proxy, "" for none. None uses the environment, honoring NO_PROXY.

    Raises:
        ConfigurationError: the configured proxy is invalid, or would see the API key.
    """
    target = urlsplit(origin)
    if given is not None:
        return _proxy(given, "proxy", target) if given else None
    if target.scheme != "https":
        # The proxy would see the API key, and http is meant for loopback.
        return None
    found, source = _environment_proxy(target)
    return None if found is None else _proxy(found, source, target)


def _environment_proxy(target: SplitResult) -> tuple[Secret | None, str]:
    """Return the proxy URL in the environment, and the name of its variable."""
    proxies = getproxies_environment()
    source = "HTTPS_PROXY" if proxies.get("https") else "ALL_PROXY"
    found = proxies.get("https") or proxies.get("all")
    if not found or _bypassed(target, proxies.get("no", "")):
        return None, source
    return concealed(found if "://" in found else f"http://{found}"), source


def _bypassed(target: SplitResult, no_proxy: str) -> bool:
    """Return whether NO_PROXY covers a host: by name, parent domain, network or wildcard."""
    host, port = target.hostname or "", str(target.port or 443)
    return any(_names(item.strip().lower(), host, port) for item in no_proxy.split(","))


def _names(item: str, host: str, port: str) -> bool:
    if item == "*" or _in_network(host, item):
        return True
    name, _, only_port = item.partition(":")
    domain = name.removeprefix("*").removeprefix(".")
    is_there = host == domain or host.endswith(f".{domain}")
    return bool(domain) and is_there and only_port in ("", port)


def _in_network(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network.strip("[]"), strict=False)
    except ValueError:
        return False


def _proxy(given: Secret, source: str, target: SplitResult) -> Proxy:
    # The messages do not show the URL, which may contain a password.
    proxy = _parsed(given)
    if proxy is None:
        raise ConfigurationError(f"{source} must be {_FORM}{_advice(given)}")
    if target.scheme == "http" and not is_loopback(proxy.url.host or ""):
        raise ConfigurationError(
            f"{source}: http:// through a proxy would send the API key to it unencrypted"
        )
    return proxy


def _advice(given: str) -> str:
    if not given.lower().startswith("socks"):
        return ""
    return (
        ", not a SOCKS proxy: for SOCKS, pass proxy='' and a session= whose connector "
        "supports it, such as that of the package aiohttp-socks"
    )


def _parsed(text: str) -> Proxy | None:
    try:
        url = URL(text)
        fit = url.scheme in ("http", "https") and bool(url.host) and url.port != 0
    except ValueError:
        return None
    return Proxy(url.with_user(None), _authorization(url)) if fit else None


def _authorization(url: URL) -> Mapping[str, str]:
    if url.raw_user is None and url.raw_password is None:
        return {}
    pair = f"{url.raw_user or ''}:{url.raw_password or ''}"
    return {"Proxy-Authorization": Secret(f"Basic {b64encode(unquote_to_bytes(pair)).decode()}")}
