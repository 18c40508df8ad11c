"""What every request carries, the API key included."""

from __future__ import annotations

import platform
from typing import Any

import aiohttp

from ._content import ACCEPT_ENCODING
from ._version import __version__


class RequestHeaders(dict[str, str]):
    """What every request carries; it does not show the API key, and does not travel."""

    def __init__(self, api_key: str) -> None:
        super().__init__()
        self["X-API-KEY"] = api_key
        self["Accept"] = "application/json, application/problem+json"
        self["Accept-Encoding"] = ACCEPT_ENCODING
        self["User-Agent"] = (
            f"monocloud-python/{__version__} Python/{platform.python_version()} "
            f"aiohttp/{aiohttp.__version__}"
        )

    def __repr__(self) -> str:
        return f"RequestHeaders({', '.join(self)})"

    def __reduce__(self) -> Any:
        raise TypeError("the API key is neither pickled nor copied")
