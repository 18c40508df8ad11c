"""What a method would send for a row: the method is called, and nothing is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, cast

from ..._call import Caller
from ..._operation import Operation
from ..._secret import SECRET_ARGUMENTS
from ...bulk.method import method_of
from .outcomes import MASKED


class WouldSend(Exception):  # noqa: N818  (it is how a method is left, and no error)
    """What a method was about to send first."""

    def __init__(self, operation: Operation[Any], ids: tuple[str, ...], body: Any) -> None:
        super().__init__()
        self._operation = operation
        self._ids = ids
        self._body: Any = body

    @property
    def line(self) -> str:
        """Where it goes."""
        return f"{self._operation.method} {self._operation.address(*self._ids)}"

    @property
    def body(self) -> Any:
        """The JSON, secrets masked; None without a body."""
        if self._body is None:
            return None
        return {n: MASKED if n in SECRET_ARGUMENTS else v for n, v in self._body.items()}


class _Silent:
    """Carries out no operation."""

    async def call(
        self,
        operation: Operation[Any],
        *ids: str,
        query: object = None,  # noqa: ARG002  (no operation that changes something has one)
        body: object = None,
    ) -> NoReturn:
        # An id may be refused.
        operation.address(*ids)
        raise WouldSend(operation, ids, body)


class Probe:
    """Tells what a method would send.

    Args:
        method: the bound method of a resource.
    """

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method_of(method).through(cast("Caller", _Silent()))

    def request(self, given: Mapping[str, Any]) -> WouldSend:
        """Return what it would send first.

        Args:
            given: its arguments.

        Raises:
            InvalidArgumentError: it would refuse them.
        """
        coroutine = self._method(**given)
        try:
            coroutine.send(None)
        except WouldSend as found:
            return found
        finally:
            coroutine.close()
        raise AssertionError("a method that changes something sends something")
