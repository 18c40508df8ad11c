"""Pace: what a run of many calls decides for each of their attempts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from .._operation import Operation
from ..errors import APIError, TransportError


class Pace(Protocol):
    """Lets the attempts of many calls pass, one after the other, and learns from each of them."""

    async def turn(self, operation: Operation[Any]) -> None:
        """Wait until an attempt at an operation may be made."""
        ...

    def unsent(self) -> None:
        """Note that the attempt was not made after all."""
        ...

    def answered(self, headers: Mapping[str, str]) -> None:
        """Note that the attempt succeeded, and the headers of its answer."""
        ...

    def failed(self, error: APIError | TransportError) -> None:
        """Note that the attempt failed."""
        ...

    def waits_for(self, error: APIError | TransportError) -> bool:
        """Return whether the next turn comes only after the wait that this failure asks for."""
        ...
