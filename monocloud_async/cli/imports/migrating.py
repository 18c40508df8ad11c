"""Records of other systems' exports, through their mappings."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from ...errors import ConfigurationError
from ..batch.columns import BrokenInputError, Mistake
from ..batch.content import STDIN
from .options import SYSTEMS
from .records import Record, Source


def migrated(path: str, system: str, mapping: str | None) -> Source:
    """Return the records of an export.

    Args:
        path: the export.
        system: what wrote it.
        mapping: ``module:function`` instead of the system's own mapping.

    Raises:
        ConfigurationError: there is no such system or mapping.
    """
    if system not in SYSTEMS:
        raise ConfigurationError(f"--from must be one of {', '.join(SYSTEMS)}; nothing was sent")
    if path == STDIN:
        raise ConfigurationError("--from needs a file, not standard input; nothing was sent")
    return _Export(path, system, mapping)


class _Export:
    """An export of another system."""

    def __init__(self, path: str, system: str, mapping: str | None) -> None:
        self.name = path
        self._system = system
        # Its parts are imported only where they are asked for.
        self._migration: Any = import_module("monocloud_async.migration")
        if mapping:
            self._to_row: Any = self._migration.load_mapping(mapping)
        else:
            self._to_row = self._migration.mapping_for(system)
        self._options: Any = self._migration.MappingOptions()

    def records(self) -> Iterator[Record | Mistake]:
        """Yield all records."""
        try:
            for one in self._migration.read(self.name, self._system):
                yield self._record(one)
        except self._migration.ExportError as error:
            raise BrokenInputError(getattr(error, "line", 1), str(error)) from None

    def _record(self, one: Any) -> Record | Mistake:
        if one.skip:
            return Record(one.line, None, one.skip)
        found = self._to_row(one.record, self._options)
        if isinstance(found, self._migration.Skip):
            if found.mistake:
                return Mistake(one.line, found.reason)
            return Record(one.line, None, found.reason)
        return Record(one.line, found)
