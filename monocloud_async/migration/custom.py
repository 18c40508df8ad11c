"""Custom mappings: any function, named on the command line."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from ..errors import ConfigurationError
from .row import Row, Skip

# Maps a record of the export; None skips the person.
Mapper = Callable[[dict[str, Any]], Mapping[str, Any] | Row | Skip | None]


def load_mapping(name: str) -> Mapper:
    """Import a mapping function by name; the current directory is searched too.

    Args:
        name: the module and the function, such as ``my_mapping:to_row``.

    Raises:
        ConfigurationError: the module or the function does not exist, or is not callable.
    """
    module_name, colon, function_name = name.partition(":")
    if not (module_name and colon and function_name) or module_name.startswith("."):
        raise ConfigurationError(
            f"{name!r} does not name a mapping; nothing was read: use module:function, such as "
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
            f"{name} is of type {type(found).__name__}, not a function; nothing was read: name "
            "a function that takes a record"
        )
    return cast("Mapper", found)


def _module(name: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        # Appended, so that files here never shadow Python's own modules.
        sys.path.append(here)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise ConfigurationError(
                f"cannot find the module {name} in {here} or among the installed ones; nothing was "
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
