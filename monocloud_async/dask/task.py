"""Tasks: the functions that Dask calls on workers."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def task(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function whose errors can be sent to the scheduler.

    Dask sends the cause and the context of an error as well, even if ``from None`` hides them. They
    may hold the content of a key file, or a person's data.

    Args:
        function: a function of a module, which Dask calls on a worker.
    """

    @wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            error.__cause__ = error.__context__ = None
            raise

    return called
