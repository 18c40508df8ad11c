"""An emulator in its own thread, for blocking and asynchronous tests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, TypeVar

from .emulation import Emulation

E = TypeVar("E", bound="ThreadedEmulator")


class ThreadedEmulator(Emulation):
    """A local MonoCloud with blocking methods: ``with ThreadedEmulator() as emulator``.

    It has the methods of ``monocloud_sync.emulator.Emulator``.
    """

    _loop: asyncio.AbstractEventLoop | None = None
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Start listening; does nothing if already started.

        Raises:
            ConfigurationError: the port cannot be used.
        """
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
            self._thread.start()
        self._wait_for(self._listener.start())

    def pause(self) -> None:
        """Refuse connections and reset open ones, until ``resume``."""
        self._wait_for(self._listener.pause())

    def resume(self) -> None:
        """Listen again on the same port; does nothing if not paused."""
        self._wait_for(self._listener.resume())

    def close(self) -> None:
        """Stop listening and close open connections; does nothing if already stopped."""
        if self._loop is None or self._thread is None:
            return
        self._wait_for(self._listener.aclose())
        self._wait_for(self._loop.shutdown_asyncgens())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = self._thread = None

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

    def _wait_for(self, done: Coroutine[Any, Any, None]) -> None:
        if self._loop is None:
            done.close()
        else:
            asyncio.run_coroutine_threadsafe(done, self._loop).result()
