"""The emulator for blocking code: a local MonoCloud for tests and demos."""

from __future__ import annotations

from types import TracebackType
from typing import Final, TypeVar

from monocloud_async.emulator import (
    PHONE_ID,
    USER_ID,
    Counts,
    Fault,
    Faults,
    RateLimit,
    RecordedRequest,
)
from monocloud_async.emulator.emulation import Emulation
from monocloud_async.emulator.listener import Listener

from ._blocking import blocking, close

__all__ = [
    "PHONE_ID",
    "USER_ID",
    "Counts",
    "Emulator",
    "Fault",
    "Faults",
    "RateLimit",
    "RecordedRequest",
]

E = TypeVar("E", bound="Emulator")


class Emulator(Emulation):
    """A local MonoCloud: ``with Emulator() as emulator``.

    It serves from its own thread, and any thread may use it.
    """

    start: Final = blocking(Listener.start)
    pause: Final = blocking(Listener.pause)
    resume: Final = blocking(Listener.resume)

    def close(self) -> None:
        """Stop listening and close open connections; does nothing if already stopped."""
        close(self._listener.aclose)

    @property
    def _async(self) -> Listener:
        """The object that ``blocking`` makes its calls on."""
        return self._listener

    def __enter__(self: E) -> E:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
