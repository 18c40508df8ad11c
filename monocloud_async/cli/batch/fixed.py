"""The arguments that `--set` applies to all rows."""

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
    """Parse the values of ``--set``.

    Args:
        given: the values, each as ``name=value``.
        parameters: the method's parameters.
        null: the text that clears a value.

    Raises:
        ConfigurationError: a value is invalid.
    """
    known = {plain(p.name): p for p in parameters}
    fixed: dict[str, Any] = {}
    for setting in given:
        name, equals, value = setting.partition("=")
        if not equals:
            raise _refusal(name, "must be NAME=VALUE")
        parameter = known.get(plain(name))
        if parameter is None:
            near = difflib.get_close_matches(plain(name), known, n=1)
            meant = f": did you mean {known[near[0]].name}?" if near else ""
            raise _refusal(name, f"unknown argument{meant}")
        if parameter.name in fixed:
            raise _refusal(name, "given twice")
        fixed[parameter.name] = _value(name, value, parameter, null)
    return fixed


def _value(name: str, value: str, parameter: Parameter, null: str | None) -> object:
    if parameter.kind is Kind.SECRET:
        raise _refusal(name, "other users can read a secret on the command line: use a column")
    try:
        found = parameter.of_cell(value, null)
    except ValueError as error:
        raise _refusal(name, str(error)) from None
    if found is ABSENT or found == "":
        raise _refusal(name, "the value is missing")
    return found


def _refusal(name: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"--set {name}: {why}; nothing was sent")
