"""What every request carries, the API key included."""

from __future__ import annotations

import platform
from typing import Any

import aiohttp

from ._content import ACCEPT_ENCODING
from ._secret import Secret
from ._version import __version__


class RequestHeaders:
    """What every request carries; it does not show the API key, and does not travel.

    It is no mapping: what reports errors, or shows values, looks into mappings by itself.

    Attributes:
        fields: the headers, for aiohttp alone.
    """

    __slots__ = ("_key", "fields")

    def __init__(self, api_key: Secret) -> None:
        self._key = api_key
        self.fields: dict[str, str] = {
            "X-API-KEY": api_key,
            "Accept": "application/json, application/problem+json",
            "Accept-Encoding": ACCEPT_ENCODING,
            "User-Agent": (
                f"monocloud-python/{__version__} Python/{platform.python_version()} "
                f"aiohttp/{aiohttp.__version__}"
            ),
        }

    def masked_in(self, text: str) -> str:
        """Return what a server said without the API key, in case that it says it back."""
        return self._key.masked_in(text)

    def __repr__(self) -> str:
        return f"RequestHeaders({', '.join(self.fields)})"

    def __reduce__(self) -> Any:
        raise TypeError("the API key is neither pickled nor copied")
