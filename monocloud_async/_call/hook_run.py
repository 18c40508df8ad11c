"""Running a hook: until it returns, raises, or has used up the time of its call."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from .. import _log_line
from ..hooks import RequestInfo

I = TypeVar("I", bound=RequestInfo)  # noqa: E741
# Time for a cancelled hook to close what it opened. A longer one does not hold the call.
_CLEANUP_SECONDS = 1.0
_log = logging.getLogger("monocloud")
# The event loop alone would not keep these tasks from the garbage collector.
_ending: set[asyncio.Future[None]] = set()


async def run_hook(
    name: str, hook: Callable[[I], Awaitable[None] | None], info: I, seconds: float
) -> None:
    """Run a hook, and log how it failed, if it did.

    Args:
        name: the name of the hook, for the log.
        hook: the hook.
        info: what it gets.
        seconds: how long it may wait; then it is cancelled.
    """
    failed: BaseException | None = None
    try:
        waiting = hook(info)
        is_over = waiting is None or not inspect.isawaitable(waiting)
    # Code that does not await cannot be cancelled, so the hook raised this itself.
    except (Exception, asyncio.CancelledError) as error:
        failed = error
    else:
        failed = None if is_over else await _failure_of(name, waiting, seconds)
    if failed is not None:
        message = "%s raised an error, and the call continues"
        _log_line.write(_log, logging.ERROR, message, name, error=failed)


async def _failure_of(name: str, waiting: Any, seconds: float) -> BaseException | None:
    """Wait for a hook, and return what it raises.

    The hook runs in its own task, to tell apart a cancellation inside the hook, which is only
    logged, from one of the call, which ends it.
    """
    task = asyncio.create_task(_awaited(waiting))
    try:
        await asyncio.wait([task], timeout=max(seconds, 0.0))
    finally:
        # The time is over, or the call was cancelled.
        late = not task.done()
        if late:
            await _end(task)
    if late:
        message = "%s was cancelled at the call's deadline, and the call continues"
        _log_line.write(_log, logging.ERROR, message, name)
        return None
    return asyncio.CancelledError() if task.cancelled() else task.exception()


async def _awaited(waiting: Awaitable[None]) -> None:
    # A hook may return a future of another event loop: awaiting it fails, and nothing else does.
    await waiting


async def _end(task: asyncio.Future[None]) -> None:
    """Cancel a hook, and let it clean up for a while."""
    _ending.add(task)
    task.add_done_callback(_ended)
    task.cancel()
    await asyncio.wait([task], timeout=_CLEANUP_SECONDS)


def _ended(task: asyncio.Future[None]) -> None:
    _ending.discard(task)
    if not task.cancelled():
        # Look at it, or asyncio would log that nobody did.
        task.exception()
