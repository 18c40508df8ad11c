"""Signatures of attrs classes, which griffe reads from dataclasses only."""

from __future__ import annotations

import importlib
from typing import Any

import attrs
import griffe


class AttrsSignatures(griffe.Extension):
    """Gives each public attrs class the ``__init__`` that attrs makes for it."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Go through all modules of a package that was read."""
        for module in _modules(pkg):
            for cls in module.classes.values():
                if not cls.is_alias and cls.is_public and _asks_for_attrs(cls):
                    _give_init(cls)


def _modules(module: griffe.Module) -> list[griffe.Module]:
    below = [each for each in module.modules.values() if not each.is_alias]
    return [module, *(found for each in below for found in _modules(each))]


def _asks_for_attrs(cls: griffe.Class) -> bool:
    # Records come from responses: their signatures would only repeat the table of attributes.
    documented = cls.docstring is not None and "Args:" in cls.docstring.value
    made = any(str(each.value).startswith("attrs.") for each in cls.decorators)
    return documented and made and "__init__" not in cls.members


def _give_init(cls: griffe.Class) -> None:
    made = getattr(importlib.import_module(cls.module.path), cls.name)
    parameters = [griffe.Parameter("self", kind=griffe.ParameterKind.positional_or_keyword)]
    parameters += [_parameter(cls, field) for field in attrs.fields(made) if field.init]
    init = griffe.Function("__init__", parameters=griffe.Parameters(*parameters), returns="None")
    cls.set_member("__init__", init)


def _parameter(cls: griffe.Class, field: attrs.Attribute[Any]) -> griffe.Parameter:
    kinds = griffe.ParameterKind
    default = None if field.default is attrs.NOTHING else _written(field.default)
    annotation = cls.members[field.name].annotation if field.name in cls.members else None
    return griffe.Parameter(
        field.alias or field.name,
        kind=kinds.keyword_only if field.kw_only else kinds.positional_or_keyword,
        annotation=annotation or str(field.type),
        default=default,
    )


def _written(default: Any) -> str:
    # The type checkers' view has a plain value here; at run time it is a factory.
    factory = getattr(default, "factory", None)
    return repr(default) if factory is None else f"{factory.__name__}()"
