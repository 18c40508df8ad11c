"""Reads the records of an export one by one, in any of its file formats."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError, InvalidArgumentError
from . import csv_records, firebase_csv, joins, shapes
from .json_records import read_json
from .lookup import Lookup
from .options import MappingOptions
from .row import SourceRecord
from .source import Source, TruncatedError, mistake, opened, truncated
from .systems import System, checked
from .values import Record, is_table, present

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
_Found = Iterator[tuple[int, dict[str, Any]]]

_IDS = {
    "auth0": ("user_id", "Id"),
    "clerk": ("id", "userId"),
    "firebase": ("localId", "uid"),
    "cognito": ("Username", "cognito:username"),
    "keycloak": ("id",),
    "okta": ("id", "User Id"),
}
# The user files in a directory that Keycloak exports to, without the realm file.
_PEOPLE = ("*-users-*.json", "*-federated-users-*.json")


def read(
    path: Paths, system: System | None, *, options: MappingOptions | None = None
) -> Iterator[SourceRecord]:
    """Read the records of an export, with at most one of them in memory.

    Args:
        path: the file, plain or gzip; several files of one export; or Keycloak's directory.
        system: the system that wrote it. None for any other, in JSON or CSV with a header.
        options: the mapping options.

    Raises:
        ConfigurationError: a file is unreadable or from another system, or a record is truncated
            or not an object. The message has the file's name and the line.
    """
    system = None if system is None else checked(system)
    return _read(_files(path), system, options or MappingOptions())


def _files(path: Paths) -> list[Path]:
    given = [path] if isinstance(path, (str, os.PathLike)) else path
    found: list[Path] = []
    for file in map(Path, given):
        if file.is_dir():
            inside = {match for pattern in _PEOPLE for match in file.glob(pattern)}
            if not inside:
                raise ConfigurationError(
                    f"{file}: the directory has no files such as NAME-users-0.json; nothing was "
                    "read: use the directory that kc.sh exported to, or a file"
                )
            found += sorted(inside, key=lambda match: (len(match.name), match.name))
        else:
            found.append(file)
    return found


def _read(
    files: list[Path], system: System | None, options: MappingOptions
) -> Iterator[SourceRecord]:
    join, lookup = _joined(files, system, options)
    number = 0
    with lookup, Lookup() as seen:
        for file in files:
            try:
                for line, record in _records(file, system):
                    number += 1
                    why = _repeated(seen, record, system, f"{file.name}, line {line}")
                    why = why or _completed(join, record)
                    yield SourceRecord(
                        file=str(file), line=line, number=number, record=record, skip=why
                    )
            except TruncatedError as error:
                if not options.allow_truncated:
                    raise
                number += 1
                yield _cut(file, error.line, number)


def _completed(join: joins.Join, record: dict[str, Any]) -> str | None:
    try:
        return join(record)
    except InvalidArgumentError:
        # The mapping hits the same mistake, and reports it for this record only.
        return None


def _cut(file: Path, line: int, number: int) -> SourceRecord:
    why = "the file ends in the middle of the record"
    return SourceRecord(file=str(file), line=line, number=number, record={}, skip=why, mistake=True)


def _joined(
    files: list[Path], system: System | None, options: MappingOptions
) -> tuple[joins.Join, Lookup]:
    if system is None:
        return joins.alone, Lookup()
    hashes = Path(options.hashes) if options.hashes is not None else None
    try:
        return joins.joined(
            system,
            options,
            lambda: (record for file in files for _, record in _records(file, system)),
            (record for _, record in _records(hashes, system)) if hashes else (),
        )
    except InvalidArgumentError as error:
        raise ConfigurationError(f"{hashes}: {error}; correct the hashes file") from None


def _repeated(seen: Lookup, record: Record, system: System | None, place: str) -> str | None:
    """Return a reason to skip a record that repeats an id, as with overlapping pages, or None."""
    for name in _IDS[system] if system else ():
        if present(found := record.get(name)):
            same = not seen.add(place, str(found))
            return "a second record with the same id" if same else None
    return None


def _records(file: Path, system: System | None) -> _Found:
    with opened(file) as source:
        for line, record in _of_any_form(source, system):
            if not is_table(record):
                problem = f"the record is of type {type(record).__name__}, not an object"
                raise mistake(source.name, line, problem, "correct the file, or export it again")
            yield line, record
        if source.cut:
            raise truncated(source.name, source.line)


def _of_any_form(source: Source, system: System | None) -> Iterator[tuple[int, Any]]:
    """Return the records of a file whose first character shows whether it is JSON or CSV."""
    start = source.first()
    if source.cut and not start:
        raise truncated(source.name, source.line)
    if not start:
        raise ConfigurationError(
            f"{source.name}: the file is empty; nothing was read: export it again"
        )
    return _of_json(source, system) if start in "{[" else _of_csv(source, system)


def _of_json(source: Source, system: System | None) -> Iterator[tuple[int, Any]]:
    first = True
    for line, record in read_json(source):
        if first and is_table(record):
            _check(source, line, record, system)
        first = False
        yield line, record


def _of_csv(source: Source, system: System | None) -> Iterator[tuple[int, Any]]:
    lines = source.lines()
    head = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    if firebase_csv.looks_right(head):
        return _firebase(source, lines, head, system)
    names = csv_records.names_in(head)
    _check(source, source.line - 1, dict.fromkeys(names, ""), system)
    if system == "firebase":
        problem = "this is not Firebase's CSV, which has no header"
        raise mistake(
            source.name, source.line - 1, problem, "use the file exactly as it was exported"
        )
    if system == "cognito":
        return csv_records.read_cognito(source, lines, head=head)
    found = csv_records.read_csv(source, lines, head=head)
    return ((n, csv_records.auth0_record(row)) for n, row in found) if system == "auth0" else found


def _check(source: Source, line: int, record: dict[str, Any], system: System | None) -> None:
    if system and (found := shapes.fault(record, system)):
        raise mistake(source.name, line, *found)


def _firebase(
    source: Source, lines: Iterator[str], head: str, system: System | None
) -> Iterator[tuple[int, Any]]:
    if system not in {"firebase", None}:
        problem = "this looks like Firebase's export"
        raise mistake(source.name, source.line - 1, problem, "use --from firebase")
    return firebase_csv.read_firebase(source, lines, head=head)
