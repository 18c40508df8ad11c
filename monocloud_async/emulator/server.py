"""Emulator: a local MonoCloud, for asyncio."""

from __future__ import annotations

from types import TracebackType
from typing import TypeVar

from .emulation import Emulation

E = TypeVar("E", bound="Emulator")


class Emulator(Emulation):
    """A local MonoCloud: ``async with Emulator() as emulator``."""

    async def start(self) -> None:
        """Start listening; does nothing if already started.

        Raises:
            ConfigurationError: the port cannot be used.
        """
        await self._listener.start()

    async def pause(self) -> None:
        """Refuse connections and reset open ones, until ``resume``."""
        await self._listener.pause()

    async def resume(self) -> None:
        """Listen again on the same port; does nothing if not paused."""
        await self._listener.resume()

    async def aclose(self) -> None:
        """Stop listening and close open connections; does nothing if already stopped."""
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
