"""Batches on a Dask cluster for blocking code; needs the extra ``dask``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import Any, Final, ParamSpec, TypeVar

import monocloud_async.dask as aio
from monocloud_async.dask import ClusterResult, InputMistakesError, Progress, StoppedError

from . import _blocking

__all__ = ["ClusterResult", "InputMistakesError", "Progress", "StoppedError", "import_users", "run"]
P = ParamSpec("P")
R = TypeVar("R")


def _twin(function: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]:
    """Return the blocking twin of an async function, with the same name, parameters and docs."""

    @functools.wraps(function)
    def twin(*args: P.args, **kwargs: P.kwargs) -> R:
        return _blocking.run(function, *args, **kwargs)

    return twin


# Final, so that type checkers can rely on the type that _twin returns.
import_users: Final = _twin(aio.import_users)
run: Final = _twin(aio.run)
