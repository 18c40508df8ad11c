"""What the console script `monocloud` starts with, before it imports anything that takes long.

It is no part of `monocloud_async`, because that would be imported first.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_INTERRUPTED = 128 + 2


def main() -> None:
    """Run the command line."""
    with ended_by_ctrl_c():
        from monocloud_async.cli import main as command
    command()


@contextmanager
def ended_by_ctrl_c() -> Generator[None, None, None]:
    """Let Ctrl-C end the process at once and in silence, while nothing is begun.

    An exception would show a traceback, or get lost in one of the callbacks of an import.
    """
    # In the background, a shell may have it ignored.
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    os._exit(_INTERRUPTED)
