"""Log lines that cannot make a call fail."""

from __future__ import annotations

import asyncio
import contextlib
import logging


def write(
    logger: logging.Logger, level: int, message: str, *values: object, error: object = None
) -> None:
    """Log a line.

    A filter or handler of the program may raise. That must not turn an applied change into a
    failure, so the line is dropped.

    Args:
        logger: the logger.
        level: the level, such as ``logging.WARNING``.
        message: the line, with a ``%s`` for each value.
        values: the values.
        error: an exception to show with its traceback, or None.
    """
    with contextlib.suppress(Exception, asyncio.CancelledError):
        logger.log(level, message, *values, exc_info=error, stacklevel=2)  # type: ignore[arg-type]
