"""Let a run continue to its end or, when asked to stop, for a short grace period."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from ...errors import MonoCloudError
from .stop import Stop

# How long a stopping run waits for calls in flight: first silently, then after a notice.
SILENT_SECONDS = 0.5
_GRACE_SECONDS = 4.5
WAITING = "waiting up to 5 s for calls in flight; press Ctrl-C to stop immediately"


async def until_stopped(
    receiving: Coroutine[Any, Any, None], stop: Stop, note: Callable[[str], None]
) -> None:
    """Receive outcomes, with a grace period once the run is asked to stop.

    Args:
        receiving: receives the outcomes of the run.
        stop: signals when to stop; an error that every further row would hit stops the run, too.
        note: prints a line.
    """
    task = asyncio.create_task(receiving)
    asked = asyncio.create_task(stop.asked.wait())
    at_once = asyncio.create_task(stop.at_once.wait())
    try:
        await _first(task, asked)
        await _first(task, at_once, timeout=SILENT_SECONDS)
        if not (task.done() or at_once.done()):
            note(WAITING)
            await _first(task, at_once, timeout=_GRACE_SECONDS)
    finally:
        # If the caller is cancelled, too, nothing more is sent.
        for waiting in (task, asked, at_once):
            waiting.cancel()
        found = (await asyncio.gather(task, asked, at_once, return_exceptions=True))[0]
    if isinstance(found, MonoCloudError):
        # For example a wrong key, with which every further row would fail.
        stop.ask_for(found)
    elif isinstance(found, BaseException) and not isinstance(found, asyncio.CancelledError):
        raise found


async def _first(*tasks: asyncio.Task[Any], timeout: float | None = None) -> None:
    await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
