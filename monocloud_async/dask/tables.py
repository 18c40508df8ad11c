"""Rows of tables, such as Parquet files and DataFrames, read as JSON members are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from ..cli.batch.columns import BrokenInputError, Cells, Mistake, Pairs, listed, needed
from .row_columns import RowColumns

# The types of pandas.NA and pandas.NaT.
_MISSING = ("NAType", "NaTType")
ABSENT = object()


def check_names(names: Sequence[str], columns: RowColumns) -> None:
    """Check the names of a table's columns.

    Args:
        names: the names.
        columns: the columns to read.

    Raises:
        BrokenInputError: a required column is missing, or a name is a mistake.
    """
    if not columns.score(names):
        what = needed("column", columns.wanted)
        raise BrokenInputError(1, f"the table must have {what}, but it has {listed(names)}")
    try:
        columns.of_cells(names)
    except ValueError as error:
        raise BrokenInputError(1, str(error)) from None


def record(number: int, row: object, columns: RowColumns) -> Cells | Mistake:
    """Return a row of a table, in which missing values count as absent.

    Args:
        number: the row's number.
        row: its values by column; anything else is a mistake.
        columns: the columns to read.
    """
    if not isinstance(row, Mapping):
        return Mistake(number, f"the row must be a mapping, not of type {type(row).__name__}")
    values = cast("Mapping[Any, Any]", row)  # type: ignore[redundant-cast]
    pairs = Pairs(
        (str(name), None if isinstance(value, str) and value == columns.null else value)
        for name, value in ((name, json_value(value)) for name, value in values.items())
        if value is not ABSENT
    )
    try:
        return Cells(number, columns.of_members(pairs)(pairs))
    except ValueError as error:
        return Mistake(number, str(error))


def json_value(value: Any) -> Any:
    """Return a value of a table as a JSON value, objects as ``Pairs``, or ``ABSENT``."""
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        # A scalar or an array.
        value = value.tolist()
    if value is None or type(value).__name__ in _MISSING:
        return ABSENT
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        return _members(cast("Mapping[Any, Any]", value))  # type: ignore[redundant-cast]
    if isinstance(value, (list, tuple)):
        return [_item(item) for item in cast("Iterable[Any]", value)]
    return value


def _number(value: float) -> object:
    """Return a number; tables keep whole numbers as floats if some are missing."""
    if math.isnan(value):
        return ABSENT
    return int(value) if value.is_integer() else value


def _members(value: Mapping[Any, Any]) -> Pairs:
    # All rows of a table have the same members, so a missing value must not clear one.
    items = ((str(name), json_value(item)) for name, item in value.items())
    return Pairs((name, item) for name, item in items if item is not ABSENT)


def _item(value: Any) -> Any:
    found = json_value(value)
    return None if found is ABSENT else found
