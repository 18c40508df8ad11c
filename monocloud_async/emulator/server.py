"""Emulator: a local MonoCloud, for asyncio."""

from __future__ import annotations

from types import TracebackType
from typing import TypeVar

from .emulation import Emulation

E = TypeVar("E", bound="Emulator")


class Emulator(Emulation):
    """A local MonoCloud: ``async with Emulator() as emulator``."""

    async def start(self) -> None:
        """Listen; nothing happens if it does already.

        Raises:
            ConfigurationError: the port cannot be used.
        """
        await self._listener.start()

    async def pause(self) -> None:
        """Refuse connections, and reset those that are open, until ``resume``."""
        await self._listener.pause()

    async def resume(self) -> None:
        """Listen again, on the same port; nothing happens if it does already."""
        await self._listener.resume()

    async def aclose(self) -> None:
        """Stop listening, and end what is open; nothing happens if it is stopped already."""
        await self._listener.aclose()

    async def __aenter__(self: E) -> E:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
