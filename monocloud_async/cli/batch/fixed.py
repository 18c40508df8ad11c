"""The arguments that `--set` gives to all rows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

from ...errors import ConfigurationError
from .columns import plain
from .signature import ABSENT, Kind, Parameter


def fixed_arguments(
    given: Iterable[str], parameters: Sequence[Parameter], null: str | None
) -> dict[str, Any]:
    """Return arguments by name.

    Args:
        given: each as ``name=value``.
        parameters: the method's parameters.
        null: what a value says to clear something.

    Raises:
        ConfigurationError: one cannot be.
    """
    known = {plain(p.name): p for p in parameters}
    fixed: dict[str, Any] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals:
            raise _refusal(name, "it must be NAME=VALUE")
        parameter = known.get(plain(name))
        if parameter is None:
            near = difflib.get_close_matches(plain(name), known, n=1)
            meant = f": did you mean {known[near[0]].name}?" if near else ""
            raise _refusal(name, f"there is no such argument{meant}")
        if parameter.name in fixed:
            raise _refusal(name, "it is given twice")
        fixed[parameter.name] = _value(name, value, parameter, null)
    return fixed


def _value(name: str, value: str, parameter: Parameter, null: str | None) -> object:
    if parameter.kind is Kind.SECRET:
        raise _refusal(name, "every user of the machine can read a command line: use a column")
    try:
        found = parameter.of_cell(value, null)
    except ValueError as error:
        raise _refusal(name, str(error)) from None
    if found is ABSENT or found == "":
        raise _refusal(name, "it has no value")
    return found


def _refusal(name: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"--set {name}: {why}; nothing was sent")
