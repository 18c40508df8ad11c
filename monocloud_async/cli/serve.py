"""`monocloud emulator`: a local MonoCloud in the foreground."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import signal
from pathlib import Path

from rich.text import Text

from ..client import API_KEY_VARIABLE, DOMAIN_VARIABLE
from ..emulator import Emulator
from ..models import User
from .output import show, user_view

_SHOWN_USERS = 20


async def serve(seed: Path | None, port: int) -> None:
    """Serve until the process is told to end: that is no failure here.

    Args:
        seed: a file with the users to begin with.
        port: where to listen; 0 picks a free port.
    """
    stop = asyncio.Event()
    _on_signals(stop)
    async with Emulator(seed, port=port) as emulator:
        _introduce(emulator)
        await stop.wait()


def _on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no such handlers.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)


def _introduce(emulator: Emulator) -> None:
    found = [User.from_dict(user) for user in emulator.export()]
    show(
        Text(f"A local MonoCloud at {emulator.url}, until Ctrl-C. To use it, paste:\n"),
        Text(f"export {DOMAIN_VARIABLE}={shlex.quote(emulator.url)}"),
        Text(f"export {API_KEY_VARIABLE}={shlex.quote(emulator.api_key)}\n"),
    )
    for user in found[:_SHOWN_USERS]:
        show(*user_view(user), "")
    if len(found) > _SHOWN_USERS:
        show(f"and {len(found) - _SHOWN_USERS} more users")
