"""Write Parquet with pyarrow, which is imported only when needed."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, cast

from ...errors import ConfigurationError, MonoCloudError
from .columns import Column, Json, Kind

# Rows per chunk held in memory.
_GROUP = 10_000
_MICROSECONDS = 1_000_000
_TYPES: Mapping[Kind, Collection[type]] = {
    "flag": (bool,),
    "count": (int,),
    "time": (int, float),
    "text": (str,),
}


class ParquetError(MonoCloudError):
    """A user cannot be written as Parquet."""


def check_installed() -> None:
    """Check that pyarrow is installed.

    Raises:
        ConfigurationError: it is not.
    """
    if find_spec("pyarrow") is None:
        raise ConfigurationError(
            "Parquet needs pyarrow; nothing was sent: run pip install 'monocloud[parquet]', or use "
            "another --format"
        )


def convert(part: Path, path: Path, columns: Sequence[Column]) -> None:
    """Convert JSON Lines to Parquet.

    Args:
        part: the file of JSON Lines; removed at the end.
        path: the file to write, replaced atomically.
        columns: the columns to write.
    """
    # pyarrow has no type stubs.
    pa: Any = import_module("pyarrow")
    pq: Any = import_module("pyarrow.parquet")

    schema = pa.schema([(column.name, _type(pa, column.kind)) for column in columns])
    unfinished = path.with_name(f"{path.name}.part.parquet")
    with suppress(OSError):
        unfinished.unlink()
    number = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(number, "wb") as file, pq.ParquetWriter(file, schema) as writer:
            for lines in _lines(part):
                writer.write_table(_table(pa, schema, columns, lines))
        unfinished.replace(path)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink()
        raise
    part.unlink()


def _table(pa: Any, schema: Any, columns: Sequence[Column], lines: Sequence[Json]) -> Any:
    arrays = [
        pa.array([_value(column, line) for line in lines], field.type)
        for column, field in zip(columns, schema, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _lines(part: Path) -> Iterator[Sequence[Json]]:
    with part.open("rb") as file:
        while batch := [json.loads(line) for line in islice(file, _GROUP)]:
            yield batch


def _type(pa: Any, kind: Kind) -> Any:
    kinds: Mapping[Kind, Any] = {
        "flag": pa.bool_(),
        "count": pa.int64(),
        "time": pa.timestamp("us", tz="UTC"),
    }
    return kinds.get(kind, pa.string())


def _value(column: Column, line: Json) -> Any:
    value: Any = column.of(line)
    if value is None:
        return None
    if column.kind == "json" or (column.kind == "text" and type(value) is not str):
        return json.dumps(value)
    if type(value) not in _TYPES[column.kind]:
        raise ParquetError(
            f"user {line.get('user_id')}: {column.name} has an unexpected type, so Parquet "
            "cannot be written: the unfinished file has all users as JSON Lines"
        )
    if column.kind == "time":
        microseconds: int = round(cast("float", value) * _MICROSECONDS)
        return microseconds
    # JSON allows lone surrogates, which Parquet cannot encode.
    return value.encode("utf-8", "replace").decode() if column.kind == "text" else value
