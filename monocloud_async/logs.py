"""The logger ``monocloud``, turned on in one line."""

from __future__ import annotations

import logging
import os

from .errors import ConfigurationError

LOG_VARIABLE = "MONOCLOUD_LOG"
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_log = logging.getLogger("monocloud")


def enable_logging(level: str = "DEBUG") -> None:
    """Show what clients do: a line for each attempt at DEBUG, a line for each retry at INFO.

    The lines go to the handlers that the program has set up, or else to standard error. They show
    operations, statuses, times and trace ids, but never ids, headers, bodies or the API key.
    Setting the environment variable MONOCLOUD_LOG to a level does the same for the next client
    that is created.

    Args:
        level: ``"DEBUG"``, ``"INFO"``, ``"WARNING"``, ``"ERROR"`` or ``"CRITICAL"``, in any case.

    Raises:
        ConfigurationError: the level is unknown.
    """
    _enable(level, "level")


def enable_logging_from_environment() -> None:
    """Turn on logging if MONOCLOUD_LOG is set.

    Raises:
        ConfigurationError: its level is unknown.
    """
    if level := os.environ.get(LOG_VARIABLE):
        _enable(level, LOG_VARIABLE)


def _enable(level: object, source: str) -> None:
    name = level.upper() if isinstance(level, str) else ""
    if name not in _LEVELS:
        raise ConfigurationError(f"{source} must be one of {', '.join(_LEVELS)}, not {level!r}")
    if not _log.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        _log.addHandler(handler)
    _log.setLevel(name)
    emulator = logging.getLogger("monocloud.emulator")
    if emulator.level == logging.NOTSET:
        # An emulator in the same process logs paths, which hold ids.
        emulator.setLevel(logging.WARNING)
