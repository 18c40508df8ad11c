"""The headers that every request has, including the API key."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

import aiohttp
from multidict import CIMultiDict, istr

from .._secret import Secret
from .._version import __version__
from .body import ACCEPT_ENCODING
from .proxy import Proxy


class RequestHeaders:
    """The headers that every request has, with the API key masked in reprs and never pickled.

    It is not a mapping, because error reporters and debuggers look into mappings.

    Args:
        api_key: the tenant's API key.
        proxy: a proxy that receives the request itself, and therefore its credentials too.
        fields: the headers, if they are already known, including the key.

    Attributes:
        fields: the headers for aiohttp, which adds Host.
        with_body: the same for a request with a JSON body.
    """

    __slots__ = ("_key", "fields", "with_body")

    def __init__(
        self,
        api_key: Secret,
        proxy: Proxy | None = None,
        *,
        fields: CIMultiDict[str] | None = None,
    ) -> None:
        self._key = api_key
        self.fields: CIMultiDict[str] = _own_fields(api_key, proxy) if fields is None else fields
        self.with_body: CIMultiDict[str] = self.fields.copy()
        self.with_body[istr("Content-Type")] = "application/json"

    def extended(self, extra: Mapping[str, str]) -> RequestHeaders:
        """Return the same headers and more; an extra one replaces one with the same name."""
        return RequestHeaders(self._key, fields=merged(self.fields, extra))

    def masked_in(self, text: str) -> str:
        """Return a server's text with the API key masked, in case it echoes it."""
        return self._key.masked_in(text)

    def __repr__(self) -> str:
        return f"RequestHeaders({', '.join(self.fields)})"

    def __reduce__(self) -> Any:
        raise TypeError("the API key cannot be pickled or copied")


def merged(fields: CIMultiDict[str], extra: Mapping[str, str]) -> CIMultiDict[str]:
    """Return a copy of headers with extra ones, each of which replaces those with its name."""
    more = fields.copy()
    for name, value in extra.items():
        # update() would keep both of two names that differ in case.
        more[name] = value
    return more


def _own_fields(api_key: Secret, proxy: Proxy | None) -> CIMultiDict[str]:
    # istr spares lower-casing the names for each request.
    fields: CIMultiDict[str] = CIMultiDict()
    fields[istr("X-API-KEY")] = api_key
    fields[istr("Accept")] = "application/json, application/problem+json"
    fields[istr("Accept-Encoding")] = ACCEPT_ENCODING
    fields[istr("User-Agent")] = (
        f"monocloud-python/{__version__} Python/{platform.python_version()} "
        f"aiohttp/{aiohttp.__version__}"
    )
    if proxy is not None:
        fields.update(proxy.headers)
    return fields
