"""Addresses of calls: a tenant's origin, and ids as unambiguous path segments."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import quote

from ._arguments import text
from ._characters import UNSEEN, named
from .errors import ConfigurationError, InvalidArgumentError

_AUTHORITY = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/?#@\\%\[\]]+)(?::(?P<port>[0-9]{1,5}))?"
)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# Ordinary ids need no quoting and no checks.
_ORDINARY = re.compile(r"[A-Za-z0-9_-]+")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def origin(domain: object, source: str = "domain", *, allow_http: bool = False) -> str:
    """Return the origin of a tenant, such as ``https://acme.us.monocloud.com``.

    Args:
        domain: a bare host name, or ``https://host[:port]`` with an optional trailing slash.
            ``http://`` is allowed for loopback hosts only.
        source: where the domain comes from, for the error message.
        allow_http: whether to allow ``http://`` for any host.

    Raises:
        ConfigurationError: the domain is anything else.
    """
    try:
        return _origin(domain, allow_http=allow_http)
    except (TypeError, ValueError) as error:
        # The part before an @ may be a password, so do not show such a domain.
        showable = isinstance(domain, str) and "@" not in domain
        shown = f"{domain!r} is not a tenant's domain: " if showable else ""
        why = str(error)
    raise ConfigurationError(
        f"{source}: {shown}{why}. Use a bare host name such as 'acme.us.monocloud.com', or "
        "'https://host:port'"
    )


def _origin(domain: object, *, allow_http: bool) -> str:
    if not isinstance(domain, str):
        raise TypeError("it is not a string")
    scheme, mark, rest = domain.rpartition("://")
    scheme = scheme.lower() if mark else "https"
    found = _AUTHORITY.fullmatch(rest.removesuffix("/"))
    if scheme not in ("https", "http") or not found:
        raise ValueError("it is not just a host name")
    port = int(found["port"]) if found["port"] else None
    if port is not None and not 0 < port < 65536:
        raise ValueError("its port is not between 1 and 65535")
    host = _host_name(found["host"])
    if scheme == "http" and not (allow_http or is_loopback(host)):
        raise ValueError("http:// would send the API key unencrypted")
    if not mark and "." not in host and host != "localhost" and not host.startswith("["):
        raise ValueError("a name without a dot is not a tenant")
    return f"{scheme}://{host}:{port}" if port else f"{scheme}://{host}"


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is a loopback one."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host == "localhost"
    # Before Python 3.13, IPv4-mapped IPv6 addresses never count as loopback.
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def segment(name: str, value: object) -> str:
    """Return an id as exactly one path segment.

    Args:
        name: the argument's name, for the error message.
        value: the id.

    Raises:
        InvalidArgumentError: the id cannot be a segment, or would not be what it looks like.
    """
    if isinstance(value, str) and _ORDINARY.fullmatch(value):
        return str(value)
    if found := UNSEEN.search(text(name, value)):
        raise InvalidArgumentError(
            f"{name} must not contain invisible characters, but it has {named(found[0])}; "
            "nothing was sent"
        )
    if value in (".", ".."):
        # Quoting leaves dots alone, and they would lead to another resource.
        raise InvalidArgumentError(
            f"{name} must be an id, not {value!r} (dots alone would change the URL's path); "
            "nothing was sent"
        )
    return quote(str(value), safe="")


def _host_name(given: str) -> str:
    # Lower-casing a non-ASCII host could make it ASCII: the kelvin sign becomes a k.
    host = given.lower() if given.isascii() else given
    if host.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(host[1:-1])}]"
        except ValueError:
            raise ValueError("its address is not an IPv6 address") from None
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        # Callers encode international names themselves, because standards disagree on how.
        raise ValueError(
            "its host is not a valid host name (international names must be ASCII, 'xn--…')"
        )
    if _NUMBER.fullmatch(labels[-1]) and not _is_ipv4(host):
        # Resolvers accept many notations: 0x7f.1 is this machine.
        raise ValueError("its address is not an IPv4 address")
    return host


def _is_ipv4(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True
