"""The files that the process has open, by their numbers."""

from __future__ import annotations

import os
import sys

from ..errors import ConfigurationError

_STDERR = 2
# For the input, the journal, the results and what libraries open.
_FILES_BESIDES = 64


def fill_standard() -> None:
    """Make standard streams that the process was started without lead nowhere.

    A file opened later would get their numbers, and what is printed be written into it. Standard
    input remains None for Python, so that its readers learn that it is closed.
    """
    while (opened := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        os.set_inheritable(opened, True)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # Not the stream's own number: a module that was imported may have taken that.
            number = os.dup(opened)
            nowhere = os.fdopen(number, "w", errors="backslashreplace", closefd=False)
            setattr(sys, name, nowhere)
    os.close(opened)


def make_room(concurrency: int) -> None:
    """See that the process may have as many open files as calls in flight need.

    Raises:
        ConfigurationError: it may not.
    """
    try:
        import resource
    except ModuleNotFoundError:  # on Windows, which has no such limit
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
    except (OSError, ValueError):  # a system may have another limit than the one it names
        pass
    raise ConfigurationError(
        f"--concurrency {concurrency} needs {wanted} open files, and this process may have "
        f"{soft if allowed else hard}: lower it, or raise the limit (ulimit -n); nothing was sent"
    )
