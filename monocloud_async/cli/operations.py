"""Commands generated from the signatures and docstrings of the resources' methods."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar, cast

import typer
from typer.core import TyperGroup
from typer.main import get_command

from ..client import MonoCloudClient
from ..operations import ALL
from ..resources import Resource
from ..resources._part import Part
from .calls import CommandCall, call_list, call_one, destroy
from .ending import exit_codes
from .parameters import Method, arguments, dashed, declared, page, summary
from .settings import make_client

F = TypeVar("F", bound=Callable[..., None])
RESOURCES: Mapping[str, type[Resource]] = {
    name: getattr(MonoCloudClient, name)
    for name, attribute in vars(MonoCloudClient).items()
    if isinstance(attribute, Part)
}
# These ask first, since they cannot be undone.
DESTRUCTIVE = {operation.name for operation in ALL if operation.method == "DELETE"} | {
    "external_providers.disconnect"
}
DASHES = "An id that begins with a dash goes after two dashes: --json -- -an-id"
_written: dict[str, dict[str, Callable[[], Any]]] = {}


class Commands(Mapping[str, Any]):
    """Commands that are built on first use, since a run needs only one."""

    def __init__(self, makers: Mapping[str, Callable[[], Any]], made: Mapping[str, Any]) -> None:
        self._makers = makers
        self._made = dict(made)

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            maker = self._makers[name]
            self._made[name] = maker()
        return self._made[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return a command; the inherited method would hide a KeyError raised while building it."""
        return self[name] if name in (*self,) else default

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._makers, *self._made)))

    def __len__(self) -> int:
        return len(self._makers.keys() | self._made.keys())


class MainGroup(TyperGroup):
    """All commands: the hand-written ones, and a group for each resource."""

    def __init__(self, *, commands: Any, **settings: Any) -> None:
        makers = {dashed(name): partial(_group, name) for name in RESOURCES}
        super().__init__(commands=cast("Any", Commands(makers, commands)), **settings)


def _group(resource: str) -> TyperGroup:
    makers = {
        dashed(method.__name__): partial(_derived, resource, method) for method in methods(resource)
    }
    return TyperGroup(
        name=dashed(resource),
        commands=cast("Any", Commands({**makers, **_written.get(resource, {})}, {})),
        help=inspect.getdoc(RESOURCES[resource]),
        no_args_is_help=True,
        rich_markup_mode=None,
    )


def _derived(resource: str, method: Method) -> Any:
    run = _command(f"{resource}.{method.__name__}", method)
    # \b keeps the line unwrapped, so that the URL can be copied.
    epilog = f"\b\n{page(method)}\n\n{DASHES}"
    return _standalone(run, dashed(method.__name__), help=summary(method), epilog=epilog)


def _standalone(function: Callable[..., None], name: str, **settings: str) -> Any:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name, **cast("Any", settings))(function)
    return get_command(app)


def written(resource: str, name: str, **settings: str) -> Callable[[F], F]:
    """Add a hand-written command to a resource's group."""

    def register(function: F) -> F:
        _written.setdefault(resource, {})[name] = partial(_standalone, function, name, **settings)
        return function

    return register


def methods(resource: str) -> Iterator[Method]:
    """Yield the methods of a resource that become commands."""
    for name, member in vars(RESOURCES[resource]).items():
        if inspect.isfunction(member) and not name.startswith("_") and not _runs(name):
            yield member


def _runs(name: str) -> bool:
    """Return whether a method makes many calls and so has a hand-written command."""
    return name == "export" or name.endswith("_many")


def _command(operation: str, method: Method) -> Callable[..., None]:
    handle: Callable[..., None] = call_one if inspect.iscoroutinefunction(method) else call_list
    if operation in DESTRUCTIVE:
        handle = destroy
    settings, options = _options(make_client), _options(handle)

    def run(**given: Any) -> None:
        with exit_codes():
            client = make_client(**_take(settings, given))
            chosen = _take(options, given)
            call = CommandCall(client, operation, summary(method), arguments(method, given))
            handle(call, **chosen)

    parameters = [*declared(method), *settings, *options]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _options(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the parameters of a function that are declared as options."""
    declared = inspect.signature(function, eval_str=True).parameters.values()
    kind = inspect.Parameter.KEYWORD_ONLY
    return [p.replace(kind=kind) for p in declared if hasattr(p.annotation, "__metadata__")]


def _take(parameters: Iterable[inspect.Parameter], given: dict[str, Any]) -> dict[str, Any]:
    return {parameter.name: given.pop(parameter.name) for parameter in parameters}
