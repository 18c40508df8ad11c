"""Part: a descriptor that exposes a resource as an attribute of a client, in either package."""

from __future__ import annotations

from typing import Any, Generic, Protocol, TypeVar, overload

R = TypeVar("R")


class _Client(Protocol):
    def _behind(self, name: str, /) -> Any:
        """Return the constructor argument of the resource with this name."""
        ...


class Part(Generic[R]):
    """A resource as an attribute of a client, created on first access.

    Accessed on the client's class, it is the resource class, so a mock with a spec finds the
    methods.

    Args:
        kind: the resource class.
    """

    def __init__(self, kind: type[R]) -> None:
        self._kind = kind
        self._make: Any = kind

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, client: None, owner: type[Any]) -> type[R]: ...
    @overload
    def __get__(self, client: _Client, owner: type[Any]) -> R: ...
    def __get__(self, client: _Client | None, owner: type[Any]) -> type[R] | R:
        if client is None:
            return self._kind
        argument = client._behind(self._name)  # pyright: ignore[reportPrivateUsage]
        resource: R = self._make(argument)
        vars(client)[self._name] = resource
        return resource
