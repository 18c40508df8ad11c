"""The operations that `monocloud run` accepts: all that change something."""

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
# Methods that make several calls, mapped to the call that changes something.
_SEVERAL = {"phones.set_primary_by_number": "phones.set_primary"}
_HELP = "see monocloud run --help; nothing was sent"


@attrs.frozen
class Runnable:
    """An operation that can run over a file.

    Attributes:
        name: the resource and its method, such as ``users.disable``.
        method: the unbound method.
        operation: the operation that makes the change.
    """

    name: str
    method: Method
    operation: Operation[Any]

    @property
    def destructive(self) -> bool:
        """Whether it cannot be undone."""
        return self.name in DESTRUCTIVE


def runnables() -> Mapping[str, Runnable]:
    """Return all runnable operations by name."""
    found: dict[str, Runnable] = {}
    for resource in RESOURCES:
        for method in methods(resource):
            name = f"{resource}.{method.__name__}"
            operation = _DECLARED[_SEVERAL.get(name, name)]
            if inspect.iscoroutinefunction(method) and not operation.reads:
                found[name] = Runnable(name, method, operation)
    return found


def find(given: str) -> Runnable:
    """Find an operation by name.

    Args:
        given: the name, with dashes or underscores.

    Raises:
        ConfigurationError: no such operation exists, or it changes nothing.
    """
    name = given.replace("-", "_")
    known = runnables()
    if name in known:
        return known[name]
    if name in _DECLARED:
        reading = dashed(name).replace(".", " ")
        raise ConfigurationError(
            f"{name} only reads and cannot run over a file: try monocloud {reading} --help; "
            "nothing was sent"
        )
    if name == "phones.set_primary_many":
        raise ConfigurationError(
            "phones.set_primary_many has its own command: try monocloud phones set-primary-many; "
            "nothing was sent"
        )
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    raise ConfigurationError(f"unknown operation {given}: {meant}{_HELP}")


def completed(incomplete: str) -> list[str]:
    """Return the names that start with the typed text."""
    return [name for name in runnables() if name.startswith(incomplete.replace("-", "_"))]


def listing() -> str:
    """Return all names for the help text, one line per resource."""
    lines: dict[str, list[str]] = {}
    for name in runnables():
        resource, _, method = name.partition(".")
        lines.setdefault(resource, []).append(method)
    # \\b keeps Click from rewrapping the lines.
    rows = (f"  {resource}.  {', '.join(names)}" for resource, names in lines.items())
    return "\b\nOperations:\n" + "\n".join(rows)
