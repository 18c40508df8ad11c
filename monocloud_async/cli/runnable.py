"""The operations that `monocloud run` carries out over a file: those that change something."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from typing import Any

import attrs

from .._operation import Operation
from ..errors import ConfigurationError
from ..operations import ALL
from .operations import DESTRUCTIVE, RESOURCES, methods
from .parameters import Method, dashed

_DECLARED: Mapping[str, Operation[Any]] = {operation.name: operation for operation in ALL}
# Methods that make more than one call, with the one that changes something.
_SEVERAL = {"phones.set_primary_by_number": "phones.set_primary"}
_HELP = "monocloud run --help lists them; nothing was sent"


@attrs.frozen
class Runnable:
    """An operation that can be run over a file.

    Attributes:
        name: the resource and its method, such as ``users.disable``.
        method: the method, as its class has it.
        operation: what changes something.
    """

    name: str
    method: Method
    operation: Operation[Any]

    @property
    def destructive(self) -> bool:
        """Whether what it changes cannot be changed back."""
        return self.name in DESTRUCTIVE


def runnables() -> Mapping[str, Runnable]:
    """Return all of them, by name."""
    found: dict[str, Runnable] = {}
    for resource in RESOURCES:
        for method in methods(resource):
            name = f"{resource}.{method.__name__}"
            operation = _DECLARED[_SEVERAL.get(name, name)]
            if inspect.iscoroutinefunction(method) and not operation.reads:
                found[name] = Runnable(name, method, operation)
    return found


def find(given: str) -> Runnable:
    """Return the operation with a name.

    Args:
        given: the name, dashes or underscores in it.

    Raises:
        ConfigurationError: there is none, or it changes nothing.
    """
    name = given.replace("-", "_")
    known = runnables()
    if name in known:
        return known[name]
    if name in _DECLARED:
        reading = dashed(name).replace(".", " ")
        raise ConfigurationError(
            f"{name} changes nothing, and is not run over a file: monocloud {reading} --help; "
            "nothing was sent"
        )
    if name == "phones.set_primary_many":
        raise ConfigurationError(
            "phones.set_primary_many has a command of its own: monocloud phones set-primary-many; "
            "nothing was sent"
        )
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    raise ConfigurationError(f"{given}: there is no such operation: {meant}{_HELP}")


def completed(incomplete: str) -> list[str]:
    """Return the names that begin as what is typed does."""
    return [name for name in runnables() if name.startswith(incomplete.replace("-", "_"))]


def listing() -> str:
    """Return all names for a help text, a line for each resource."""
    lines: dict[str, list[str]] = {}
    for name in runnables():
        resource, _, method = name.partition(".")
        lines.setdefault(resource, []).append(method)
    # \\b keeps the lines as they are.
    told = (f"  {resource}.  {', '.join(names)}" for resource, names in lines.items())
    return "\b\nOperations:\n" + "\n".join(told)
