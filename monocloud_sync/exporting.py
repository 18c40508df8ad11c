"""Exports for blocking code."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any, Concatenate, ParamSpec

import monocloud_async as aio
from monocloud_async import ExportedUser, ExportReport

from ._iterating import iterate

P = ParamSpec("P")


class Export:
    """All users of a tenant: ``for exported in client.users.export()``.

    Nothing is sent before the first step. Each iteration starts over.
    """

    def __init__(self, export: aio.Export) -> None:
        self._async = export

    @property
    def report(self) -> ExportReport:
        """The counts of the current or last iteration; ``str()`` makes one line of them."""
        return self._async.report

    def __iter__(self) -> Iterator[ExportedUser]:
        def begin(_: object) -> AsyncGenerator[ExportedUser, None]:
            return aiter(self._async)

        return iterate(begin, None)


def exporting(
    method: Callable[Concatenate[Any, P], aio.Export],
) -> Callable[Concatenate[Any, P], Export]:
    """Return the blocking twin of an export method, with the same name, parameters and docs."""

    @functools.wraps(method)
    def twin(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> Export:
        return Export(method(self._async, *args, **kwargs))

    return twin
