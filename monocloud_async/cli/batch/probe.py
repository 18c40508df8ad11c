"""Find out what a method would send for a row, without sending it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, cast

from ..._call import Caller
from ..._operation import Operation
from ..._secret import SECRET_ARGUMENTS
from ...bulk.method import method_of
from .outcomes import MASKED


class WouldSend(Exception):  # noqa: N818  (control flow, not an error)
    """The first request that a method was about to send."""

    def __init__(self, operation: Operation[Any], ids: tuple[str, ...], body: Any) -> None:
        super().__init__()
        self._operation = operation
        self._ids = ids
        self._body: Any = body

    @property
    def line(self) -> str:
        """The method and path."""
        return f"{self._operation.method} {self._operation.address(*self._ids)}"

    @property
    def body(self) -> Any:
        """The JSON body with secrets masked; None if there is no body."""
        if self._body is None:
            return None
        return {n: MASKED if n in SECRET_ARGUMENTS else v for n, v in self._body.items()}

    @property
    def summary(self) -> str:
        """The request as one line, with secrets masked."""
        return self.line if self.body is None else f"{self.line} {json.dumps(self.body)}"


class _Silent:
    """A caller that sends nothing."""

    async def call(
        self,
        operation: Operation[Any],
        *ids: str,
        query: object = None,  # noqa: ARG002  (operations that change something have no query)
        body: object = None,
    ) -> NoReturn:
        # Raises if an id is invalid.
        operation.address(*ids)
        raise WouldSend(operation, ids, body)


class Probe:
    """Captures what a method would send.

    Args:
        method: the bound method of a resource.
    """

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method_of(method).through(cast("Caller", _Silent()))

    def request(self, given: Mapping[str, Any]) -> WouldSend:
        """Return the first request it would send.

        Args:
            given: its arguments.

        Raises:
            InvalidArgumentError: the arguments are invalid.
        """
        coroutine = self._method(**given)
        try:
            coroutine.send(None)
        except WouldSend as found:
            return found
        finally:
            coroutine.close()
        raise AssertionError("a method that changes something must send a request")
