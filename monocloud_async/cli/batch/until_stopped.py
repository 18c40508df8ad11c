"""Lets a run go on until its end, or a little longer than until it is asked to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from ...errors import MonoCloudError
from .stop import Stop

# How long a run that has to stop waits for the answers to what it has sent: in silence, and then
# after it said so.
_SILENT_SECONDS = 0.5
_GRACE_SECONDS = 4.5
_WAITING = "waiting up to 5 s for the answers to what was sent; Ctrl-C ends that at once"


async def until_stopped(
    receiving: Coroutine[Any, Any, None], stop: Stop, note: Callable[[str], None]
) -> None:
    """Receive what comes, and a little longer where the run is asked to stop.

    Args:
        receiving: takes the outcomes of the run.
        stop: says when to stop; an error that every further row would meet stops the run too.
        note: shows a line.
    """
    task = asyncio.create_task(receiving)
    asked = asyncio.create_task(stop.asked.wait())
    at_once = asyncio.create_task(stop.at_once.wait())
    await _first(task, asked)
    await _first(task, at_once, timeout=_SILENT_SECONDS)
    if not (task.done() or at_once.done()):
        note(_WAITING)
        await _first(task, at_once, timeout=_GRACE_SECONDS)
    for each in (task, asked, at_once):
        each.cancel()
    found = (await asyncio.gather(task, asked, at_once, return_exceptions=True))[0]
    if isinstance(found, MonoCloudError):
        # Such as a wrong key, with which every further row would fail.
        stop.ask(str(found))
    elif isinstance(found, BaseException) and not isinstance(found, asyncio.CancelledError):
        raise found


async def _first(*tasks: asyncio.Task[Any], timeout: float | None = None) -> None:
    await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
