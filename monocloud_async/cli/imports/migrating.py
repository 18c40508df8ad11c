"""Read other systems' exports and map their records to import rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

import attrs

from ...errors import ConfigurationError
from ..batch.columns import Mistake
from ..batch.content import STDIN, unreadable
from .records import Record, Source

if TYPE_CHECKING:
    from ...migration import Mapper, MappingOptions, System

_FLAGS = {"true": True, "false": False}


def migrated(path: str, system: str | None, mapping: str | None, options: Sequence[str]) -> Source:
    """Open another system's export.

    Args:
        path: the export.
        system: the system that wrote it; None if only the custom mapping knows.
        mapping: ``module:function`` to use instead of the system's own mapping.
        options: options of the mapping, as ``name=value``.

    Raises:
        ConfigurationError: the system, mapping or option does not exist.
    """
    # Imported here because the readers of all systems would slow down other imports.
    from ...migration import SYSTEMS, load_mapping

    if path == STDIN:
        raise ConfigurationError(
            "--from and --map cannot read standard input; nothing was sent: pass a file"
        )
    known: dict[str | None, System | None] = {None: None, **{name: name for name in SYSTEMS}}
    if system not in known:
        systems = ", ".join(sorted(SYSTEMS))
        raise ConfigurationError(f"--from must be one of {systems}; nothing was sent")
    mapper = load_mapping(mapping) if mapping else None
    return _Export(path, known[system], _options(options), mapper)


class _Export:
    """Another system's export."""

    def __init__(
        self, path: str, system: System | None, options: MappingOptions, mapper: Mapper | None
    ) -> None:
        self.name = path
        self._system: System | None = system
        self._options = options
        self._mapper = mapper

    def records(self) -> Iterator[Record | Mistake]:
        """Yield all records."""
        from ...migration import Skip, rows

        found = rows(self.name, self._system, options=self._options, mapping=self._mapper)
        for mapped in found:
            line, result = mapped.source.line, mapped.result
            if not isinstance(result, Skip):
                yield Record(line, cast("dict[str, Any]", result))
            elif result.mistake:
                yield Mistake(line, result.reason)
            else:
                yield Record(line, None, result.reason)


def _options(given: Sequence[str]) -> MappingOptions:
    from ...migration import MappingOptions

    fields = {field.name: field for field in attrs.fields(attrs.resolve_types(MappingOptions))}
    chosen: dict[str, Any] = {}
    for option in given:
        name, equals, value = option.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or name not in fields:
            known = ", ".join(fields)
            raise ConfigurationError(
                f"--option must be NAME=VALUE, where NAME is one of {known}; nothing was sent"
            )
        chosen[name] = _value(fields[name], value)
    return MappingOptions(**chosen)


def _value(field: Any, value: str) -> object:
    """Convert an option's value to the type of its default."""
    choices: Sequence[object] = ()
    if isinstance(field.default, bool):
        choices = tuple(_FLAGS)
    elif isinstance(field.default, str):
        choices = get_args(field.type)
    if choices and value not in choices:
        wanted = " or ".join(map(str, choices))
        raise ConfigurationError(f"--option {field.name} must be {wanted}; nothing was sent")
    if isinstance(field.default, tuple):
        return tuple(part.strip() for part in value.split(","))
    if field.name == "groups":
        return _table(value)
    return _FLAGS[value] if isinstance(field.default, bool) else value


def _table(path: str) -> object:
    try:
        return json.loads(Path(path).read_bytes())
    except OSError as error:
        raise unreadable(f"--option groups={path}", error) from None
    except ValueError:
        raise ConfigurationError(
            f"--option groups={path}: not valid JSON; nothing was sent"
        ) from None
