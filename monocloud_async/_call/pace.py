"""Pace: how a bulk run schedules the attempts of its calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from .._operation import Operation
from ..errors import APIError, TransportError


class Pace(Protocol):
    """Schedules the attempts of a run one by one, and learns from their results."""

    async def turn(self, operation: Operation[Any]) -> None:
        """Wait until an operation may be attempted."""
        ...

    def unsent(self) -> None:
        """Note that the attempt was not made after all."""
        ...

    def answered(self, headers: Mapping[str, str]) -> None:
        """Note that the attempt succeeded, and learn from the response headers."""
        ...

    def failed(self, error: APIError | TransportError) -> None:
        """Note that the attempt failed."""
        ...

    def waits_for(self, error: APIError | TransportError) -> bool:
        """Return whether the next turn already includes the wait that this failure asks for."""
        ...
