"""Records of other systems' exports, through their mappings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs

from ...errors import ConfigurationError
from ..batch.columns import Mistake
from ..batch.content import STDIN, unreadable
from .records import Record, Source

_FLAGS = {"true": True, "false": False}


def migrated(path: str, system: str | None, mapping: str | None, options: Sequence[str]) -> Source:
    """Return the records of an export.

    Args:
        path: the export.
        system: what wrote it; None where only a mapping of the caller's knows.
        mapping: ``module:function`` instead of the system's own mapping.
        options: what is chosen about the mapping, as ``name=value``.

    Raises:
        ConfigurationError: there is no such system, mapping or option.
    """
    if path == STDIN:
        raise ConfigurationError(
            "--from and --map need a file, not standard input; nothing was sent"
        )
    # It brings the readers of all systems, which other imports need not wait for.
    migration: Any = import_module("monocloud_async.migration")
    if system is not None and system not in migration.SYSTEMS:
        known = ", ".join(sorted(migration.SYSTEMS))
        raise ConfigurationError(f"--from must be one of {known}; nothing was sent")
    return _Export(
        path,
        migration,
        system,
        options=_options(migration.MappingOptions, options),
        mapping=migration.load_mapping(mapping) if mapping else None,
    )


class _Export:
    """An export of another system."""

    def __init__(self, path: str, migration: Any, system: str | None, **chosen: Any) -> None:
        self.name = path
        self._migration = migration
        self._system = system
        self._chosen = chosen

    def records(self) -> Iterator[Record | Mistake]:
        """Yield all records."""
        for mapped in self._migration.rows(self.name, self._system, **self._chosen):
            line, found = mapped.source.line, mapped.result
            if not isinstance(found, self._migration.Skip):
                yield Record(line, found)
            elif found.mistake:
                yield Mistake(line, found.reason)
            else:
                yield Record(line, None, found.reason)


def _options(kind: Any, given: Sequence[str]) -> Any:
    fields = {field.name: field.default for field in attrs.fields(kind)}
    chosen: dict[str, Any] = {}
    for option in given:
        name, equals, value = option.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or name not in fields:
            known = ", ".join(fields)
            raise ConfigurationError(
                f"--option must be name=value with one of the names {known}; nothing was sent"
            )
        chosen[name] = _value(name, value, fields[name])
    return kind(**chosen)


def _value(name: str, value: str, default: object) -> object:
    """Return the value of an option, of the type that its default has."""
    if isinstance(default, bool):
        if value not in _FLAGS:
            raise ConfigurationError(f"--option {name} must be true or false; nothing was sent")
        return _FLAGS[value]
    if isinstance(default, tuple):
        return tuple(part.strip() for part in value.split(","))
    return _table(name, value) if name == "groups" else value


def _table(name: str, path: str) -> object:
    try:
        return json.loads(Path(path).read_bytes())
    except OSError as error:
        raise unreadable(f"--option {name}={path}", error) from None
    except ValueError:
        raise ConfigurationError(f"--option {name}={path}: it is not JSON") from None
