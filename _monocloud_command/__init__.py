"""What the console script `monocloud` starts with, before it imports anything that takes long.

It is no part of `monocloud_async`, because that would be imported first; and it does without
`typing` and `contextlib`, in which Ctrl-C would come too early for it.
"""

from __future__ import annotations

import os
import signal

_INTERRUPTED = 128 + 2


def main() -> None:
    """Run the command line."""
    with EndedByCtrlC():
        from monocloud_async.cli import main as command
    command()


class EndedByCtrlC:
    """Lets Ctrl-C end the process at once and in silence, while nothing is begun.

    An exception would show a traceback, or get lost in one of the callbacks of an import.
    """

    def __enter__(self) -> None:
        # In the background, a shell may have it ignored.
        self._ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._ours:
            signal.signal(signal.SIGINT, _end)

    def __exit__(self, *_: object) -> None:
        if self._ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(_number: int, _frame: object) -> None:
    os._exit(_INTERRUPTED)
