"""A mapping of the user's own: any function, named on the command line."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from ..errors import ConfigurationError
from .row import Row, Skip

# Takes a record as the export has it; None leaves the person out.
Mapper = Callable[[dict[str, Any]], Mapping[str, Any] | Row | Skip | None]


def load_mapping(name: str) -> Mapper:
    """Return a function by the name of its module and its own; modules may be in this directory.

    Args:
        name: such as ``my_mapping:to_row``.

    Raises:
        ConfigurationError: there is no such module or function, or it cannot be called.
    """
    module_name, colon, function_name = name.partition(":")
    if not (module_name and colon and function_name) or module_name.startswith("."):
        raise ConfigurationError(
            f"{name!r} does not name a mapping; nothing was read: write module:function, such as "
            "my_mapping:to_row"
        )
    module = _module(module_name)
    found = cast("object", module)
    for part in function_name.split("."):
        found = getattr(found, part, None)
    if found is None:
        where = getattr(module, "__file__", None) or "Python itself"
        raise ConfigurationError(
            f"the module {module_name} ({where}) has no function {function_name}; nothing was "
            "read: correct the name"
        )
    if not callable(found):
        raise ConfigurationError(
            f"{name} is of type {type(found).__name__}, and not a function; nothing was read: name "
            "a function that takes a record"
        )
    return cast("Mapper", found)


def _module(name: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        # At the end: a file here does not stand in for a module of Python's.
        sys.path.append(here)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise ConfigurationError(
                f"there is no module {name} in {here} or among the installed ones; nothing was "
                "read: correct the name, or change the directory"
            ) from None
        raise _broken(name, error) from error
    except Exception as error:
        raise _broken(name, error) from error


def _broken(name: str, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"the module {name} cannot be imported: {type(error).__name__}: {error}; nothing was read: "
        "correct the module"
    )
