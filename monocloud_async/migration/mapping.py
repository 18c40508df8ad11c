"""Maps the records of an export to import rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import attrs

from .._secret import concealed
from ..errors import ConfigurationError, InvalidArgumentError
from . import auth0, clerk, cognito, firebase, keycloak, okta
from .custom import Mapper
from .options import MappingOptions
from .reading import Paths, read
from .row import Row, Skip, SourceRecord
from .systems import System, checked
from .values import Record

_MAPPINGS: dict[System, Callable[[Record, MappingOptions | None], Row | Skip]] = {
    "auth0": auth0.to_row,
    "clerk": clerk.to_row,
    "firebase": firebase.to_row,
    "cognito": cognito.to_row,
    "keycloak": keycloak.to_row,
    "okta": okta.to_row,
}
_SECRETS = ("password", "password_hash")


@attrs.frozen
class MappedRecord:
    """A record of an export with its import row, or the reason to skip it.

    Attributes:
        source: the record.
        result: the row, or a ``Skip``.
    """

    source: SourceRecord
    result: Mapping[str, Any] | Row | Skip


def mapping_of(system: System) -> Callable[[Record, MappingOptions | None], Row | Skip]:
    """Return the mapping function of a system."""
    return _MAPPINGS[checked(system)]


def rows(
    path: Paths,
    system: System | None,
    *,
    options: MappingOptions | None = None,
    mapping: Mapper | None = None,
) -> Iterator[MappedRecord]:
    """Read an export and yield the import row of each record.

    A record with an invalid value yields a ``Skip`` that is marked as a mistake.

    Args:
        path: the export, as in ``read``.
        system: the system that wrote it. None for any other, which needs a mapping.
        options: the mapping options.
        mapping: a custom function in place of the system's mapping.

    Raises:
        ConfigurationError: the file cannot be read, or the custom function fails.
    """
    options = options or MappingOptions()
    if mapping is None:
        if system is None:
            raise ConfigurationError(
                "neither a system nor a mapping was given; nothing was read: pass one of them"
            )
        known, chosen = mapping_of(system), options
        return _rows(read(path, system, options=options), lambda source: known(source, chosen))
    return _rows(read(path, system, options=options), mapping)


def _rows(records: Iterator[SourceRecord], mapping: Mapper) -> Iterator[MappedRecord]:
    for source in records:
        if source.skip is not None:
            yield MappedRecord(source, Skip(source.skip, mistake=source.mistake))
        else:
            yield MappedRecord(source, _mapped(source, mapping))


def _mapped(source: SourceRecord, mapping: Mapper) -> Mapping[str, Any] | Row | Skip:
    place = f"{source.file}, line {source.line}"
    try:
        found = mapping(dict(source.record))
    except InvalidArgumentError as error:
        return Skip(str(error), mistake=True)
    except Exception as error:
        # The message of a foreign error may contain a secret.
        raise ConfigurationError(
            f"{place}: the mapping raised {type(error).__name__}; correct the function"
        ) from error
    if found is None:
        return Skip("skipped by the mapping")
    if isinstance(found, Skip):
        return found
    if not isinstance(cast("object", found), Mapping):
        raise ConfigurationError(
            f"{place}: the mapping returned a value of type {type(found).__name__}; return a dict, "
            "or None to skip the person"
        )
    return _concealed(found)


def _concealed(row: Mapping[str, Any] | Row) -> dict[str, Any]:
    """Return a row whose secrets no repr reveals."""
    plain = dict(cast("Mapping[str, Any]", row))
    for name in _SECRETS:
        if isinstance(plain.get(name), str):
            plain[name] = concealed(plain[name])
    return plain
