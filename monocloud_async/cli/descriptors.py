"""The files that the process has open, by their numbers."""

from __future__ import annotations

import os
import sys

_STDERR = 2


def fill_standard() -> None:
    """Make standard streams that the process was started without lead nowhere.

    A file opened later would get their numbers, and what is printed be written into it. Standard
    input remains None for Python, so that whoever reads it learns that it is closed.
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
