"""The method that a run calls for each row: its signature, and how to call it at the run's pace."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Generic, Protocol, TypeVar, cast

import attrs

from .._call import Caller
from .._secret import SECRET_ARGUMENTS, concealed
from ..errors import InvalidArgumentError

T = TypeVar("T")
B = TypeVar("B", bound="_Bound")
AsyncMethod = Callable[..., Coroutine[Any, Any, T]]


class _Bound(Protocol):
    """The owner of a method: a resource, or the client itself."""

    @property
    def _caller(self) -> Caller: ...
    def _with_caller(self: B, caller: Caller) -> B: ...


@attrs.frozen(eq=False)
class Method(Generic[T]):
    """A resource method to call for many rows.

    Attributes:
        owner: the resource.
        function: the method's function.
        fixed: keyword arguments shared by all rows.
        signature: the signature of the arguments that come from a row.
        parameters: the names of the positional arguments of a row.
        required: the number of positional arguments that a row must have.
        takes_more: whether a row may have further positional arguments.
        first: the name of the method's first argument; empty if it is not positional.
    """

    owner: _Bound
    function: Callable[..., Coroutine[Any, Any, T]]
    fixed: Mapping[str, Any] = attrs.field(repr=False)
    signature: inspect.Signature
    parameters: tuple[str, ...]
    required: int
    takes_more: bool
    first: str

    @property
    def caller(self) -> Caller:
        """The caller that executes the method's operations."""
        return self.owner._caller  # pyright: ignore[reportPrivateUsage]

    def through(self, caller: Caller) -> AsyncMethod[T]:
        """Return the method bound to another caller."""
        owner = self.owner._with_caller(caller)  # pyright: ignore[reportPrivateUsage]
        bound = self.function.__get__(owner)
        return functools.partial(bound, **self.fixed) if self.fixed else bound

    def key(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | int | None:
        """Return the ordering key of a row, usually a user's id.

        Rows with the same key run in order.

        The key is the first argument, from the row or shared by all rows, or the first id of a
        path. None means that the row may run at any time.
        """
        if self.takes_more:
            key = args[len(self.parameters)] if len(args) > len(self.parameters) else None
        elif args:
            key = args[0]
        else:
            key = {**self.fixed, **kwargs}.get(self.first)
        if self.first in self.fixed:
            key = self.fixed[self.first]
        return key if isinstance(key, (str, int)) else None

    @property
    def expected(self) -> str:
        """The shape of a row, for error messages."""
        if not (self.parameters or self.takes_more):
            return f"a mapping, such as {{{next(iter(self.signature.parameters), '')!r}: …}}"
        names = ", ".join(self.parameters) + ("," if len(self.parameters) == 1 else "")
        return f"a tuple ({names})"

    def takes(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
        """Return whether a row has the right number and names of arguments."""
        maximum = math.inf if self.takes_more else len(self.parameters)
        if not kwargs and self.required <= len(args) <= maximum:
            return True
        try:
            self.signature.bind(*args, **kwargs)
        except TypeError:
            return False
        return True


def method_of(given: Callable[..., Any]) -> Method[Any]:
    """Return the method to call for each row.

    Args:
        given: a bound method of a resource, or a ``functools.partial`` of one with keyword
            arguments only.

    Raises:
        InvalidArgumentError: it is something else.
    """
    fixed: dict[str, Any] = {}
    method: Any = given
    while type(method) is functools.partial:
        if method.args:
            raise _refusal("a partial with positional arguments, which must come from the rows")
        fixed = {**method.keywords, **fixed}
        method = method.func
    # The fixed arguments appear in the workers' stack frames, so conceal secrets.
    fixed = {n: concealed(v) if n in SECRET_ARGUMENTS else v for n, v in fixed.items()}
    owner = getattr(method, "__self__", None)
    function = getattr(method, "__func__", None)
    if function is None or not hasattr(owner, "_with_caller"):
        raise _refusal(f"of type {type(method).__name__}")
    if not inspect.iscoroutinefunction(function):
        raise _refusal(f"{method.__qualname__}, which cannot be called once per row")
    return _described(cast("_Bound", owner), function, fixed)


def _described(
    owner: _Bound, function: Callable[..., Any], fixed: Mapping[str, Any]
) -> Method[Any]:
    names = tuple(inspect.signature(function).parameters)[1:]
    unknown = ", ".join(name for name in fixed if name not in names)
    if unknown:
        raise _refusal(f"a partial with {unknown}, which {function.__qualname__} does not take")
    signature = inspect.signature(functools.partial(function, owner, **fixed))
    positional = [
        p
        for p in signature.parameters.values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    everything = signature.parameters.values()
    needs_keyword = any(p.kind is p.KEYWORD_ONLY and p.default is p.empty for p in everything)
    return Method(
        owner,
        function,
        fixed,
        signature,
        parameters=tuple(p.name for p in positional),
        # With required keywords, always leave the check to bind().
        required=len(positional) + 1
        if needs_keyword
        else sum(p.default is p.empty for p in positional),
        takes_more=any(p.kind is p.VAR_POSITIONAL for p in everything),
        first=_first_of(function),
    )


def _first_of(function: Callable[..., Any]) -> str:
    """Return the name of the first positional argument after ``self``."""
    code = function.__code__
    return code.co_varnames[1] if code.co_argcount > 1 else ""


def _refusal(actual: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        "method must be a method of one of the client's resources, such as "
        f"client.phones.set_primary, not {actual}; nothing was sent"
    )
