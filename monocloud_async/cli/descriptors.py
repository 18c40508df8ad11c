"""File descriptors: the standard streams, and the limit on open files."""

from __future__ import annotations

import os
import sys

from ..errors import ConfigurationError

_STDERR = 2
# For the input, the journal, the results and files that libraries open.
_FILES_BESIDES = 64


def fill_standard() -> None:
    """Point missing standard streams at the null device.

    Without this, a file opened later would get descriptor 1 or 2, and printed text would end up in
    it. ``sys.stdin`` stays None, so code that reads it still sees that it is closed.
    """
    while (opened := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        os.set_inheritable(opened, True)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # Not the stream's own descriptor: an imported module may have taken it.
            number = os.dup(opened)
            null_device = os.fdopen(number, "w", errors="backslashreplace", closefd=False)
            setattr(sys, name, null_device)
    os.close(opened)


def make_room(concurrency: int) -> None:
    """Raise the limit on open files to what the calls in flight need.

    Raises:
        ConfigurationError: the limit cannot be raised that far.
    """
    try:
        import resource
    except ModuleNotFoundError:  # Windows has no such limit
        return
    wanted = concurrency + _FILES_BESIDES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = hard == resource.RLIM_INFINITY or hard >= wanted
    try:
        if allowed:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return
    except (OSError, ValueError):  # the real limit may be below the reported one
        pass
    raise ConfigurationError(
        f"--concurrency {concurrency} needs {wanted} open files, but this process is limited to "
        f"{soft if allowed else hard}: lower it, or raise the limit (ulimit -n); nothing was sent"
    )
