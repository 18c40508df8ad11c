"""The connection of a driver to the scheduler, which may be lost."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from distributed import CancelledError

from ..errors import MonoCloudError

_LOST = (
    "the connection to the Dask scheduler is lost: run the same job with the same journal again, "
    "on this cluster or another, to resume"
)


class LostError(MonoCloudError):
    """The connection to the scheduler is lost."""


def lost() -> LostError:
    """Return the error of a lost connection."""
    return LostError(_LOST)


@contextmanager
def calling() -> Generator[None, None, None]:
    """Raise a ``LostError`` if a call of the scheduler fails because the connection is lost."""
    try:
        yield
    except OSError:
        raise lost() from None


@contextmanager
def awaiting() -> Generator[None, None, None]:
    """Raise a ``LostError`` if a future fails because the connection is lost."""
    try:
        yield
    # Dask cancels the futures of a scheduler that it has lost.
    except CancelledError:
        raise lost() from None
