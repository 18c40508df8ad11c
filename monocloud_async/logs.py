"""The logger ``monocloud``, turned on in one line."""

from __future__ import annotations

import logging
import os
import sys

from .errors import ConfigurationError

LOG_VARIABLE = "MONOCLOUD_LOG"
_LEVELS = ("debug", "info", "warning", "error", "critical")
_log = logging.getLogger("monocloud")


class _StandardError(logging.Handler):
    """Writes lines to standard error until the program has handlers of its own."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line to the current standard error, which the program may have replaced."""
        if _program_handles(logging.getLogger(record.name)):
            return
        try:
            sys.stderr.write(f"{self.format(record)}\n")
        except Exception:
            self.handleError(record)


_fallback = _StandardError()
_fallback.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))


def enable_logging(level: str = "DEBUG") -> None:
    """Show what clients do: a line for each attempt at DEBUG, a line for each retry at INFO.

    The lines go to the handlers that the program has set up, or else to standard error. They show
    operations, statuses, times and trace ids, but never ids, headers, bodies or the API key.
    Setting the environment variable MONOCLOUD_LOG to a level does the same for the next client
    that is created.

    Args:
        level: ``"debug"``, ``"info"``, ``"warning"``, ``"error"`` or ``"critical"``, in any case.

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
    name = level.lower() if isinstance(level, str) else ""
    if name not in _LEVELS:
        raise ConfigurationError(f"{source} must be one of {', '.join(_LEVELS)}, not {level!r}")
    # Adding it again does nothing.
    _log.addHandler(_fallback)
    _log.setLevel(name.upper())
    emulator = logging.getLogger("monocloud.emulator")
    if emulator.level == logging.NOTSET:
        # An emulator in the same process logs paths, which hold ids.
        emulator.setLevel(logging.WARNING)


def _program_handles(logger: logging.Logger) -> bool:
    """Return whether lines of a logger reach a handler other than ours."""
    at: logging.Logger | None = logger
    while at is not None:
        if any(handler is not _fallback for handler in at.handlers):
            return True
        at = at.parent if at.propagate else None
    return False
