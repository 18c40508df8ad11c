"""The commands of the resources, made from the signatures and docstrings of their methods."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, get_type_hints

import typer
from typer.core import TyperGroup
from typer.main import get_command

from ..client import MonoCloudClient
from ..operations import ALL
from ..resources import Resource
from .calls import Call, call_list, call_one, destroy
from .output import exit_codes
from .parameters import Method, arguments, dashed, declared, page, summary
from .settings import make_client

RESOURCES: Mapping[str, type[Resource]] = {
    name: kind
    for name, kind in get_type_hints(MonoCloudClient).items()
    if isinstance(kind, type) and issubclass(kind, Resource)
}
_NAMES = {dashed(name): name for name in RESOURCES}
# They ask first: what they remove does not come back.
DESTRUCTIVE = {operation.name for operation in ALL if operation.method == "DELETE"} | {
    "external_providers.disconnect"
}
DASHES = (
    "An id that begins with a dash goes after two dashes, and options before them: --json -- -an-id"
)


def _group_options() -> None:
    """Make a group of a Typer that has one command."""


def _group(kind: type[Resource]) -> typer.Typer:
    text = inspect.getdoc(kind)
    return typer.Typer(
        help=text,
        callback=_group_options,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
    )


GROUPS: Mapping[str, typer.Typer] = {name: _group(kind) for name, kind in RESOURCES.items()}


class LazyGroup(TyperGroup):
    """All commands; those of a resource are made when one of them is called, or listed."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands, for help and completion."""
        return [*_NAMES, *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command with a name."""
        resource = _NAMES.get(cmd_name)
        return _made(resource) if resource else super().get_command(ctx, cmd_name)


@cache
def _made(resource: str) -> Any:
    group = GROUPS[resource]
    for name, method in methods(resource):
        epilog = f"{page(method)}\n\n{DASHES}"
        register = group.command(dashed(name), help=summary(method), epilog=epilog)
        register(_command(f"{resource}.{name}", method))
    return get_command(group)


def methods(resource: str) -> Iterator[tuple[str, Method]]:
    """Yield the methods of a resource that a command calls once."""
    for name, member in vars(RESOURCES[resource]).items():
        if inspect.isfunction(member) and not name.startswith("_") and not name.endswith("_many"):
            yield name, member


def _command(operation: str, method: Method) -> Callable[..., None]:
    handle: Callable[..., None] = call_one if inspect.iscoroutinefunction(method) else call_list
    if operation in DESTRUCTIVE:
        handle = destroy
    settings, options = _options(make_client), _options(handle)

    def run(**given: Any) -> None:
        with exit_codes():
            client = make_client(**_take(settings, given))
            chosen = _take(options, given)
            call = Call(client, operation, summary(method), arguments(method, given))
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
