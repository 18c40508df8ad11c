"""Loaded by each worker process on this machine: Ctrl-C in the terminal must not kill it."""

from __future__ import annotations

import signal


def dask_setup(_: object) -> None:
    """Ignore Ctrl-C: the driver receives it too, and lets the worker end its calls."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
