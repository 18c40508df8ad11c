"""Measure the time to structure a record, and the memory that records take."""

from __future__ import annotations

import gc
import json
import statistics
import time
import tracemalloc
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from cattrs import Converter

from monocloud_async import User
from monocloud_async._converter import structure
from monocloud_async._record_builder import WORTH_WRITING

from .bodies import BODY


def structuring(rounds: int, records: int) -> dict[str, float]:
    """Return the microseconds per record, ours and plain cattrs', and their ratio.

    Args:
        rounds: how often to measure each, in turn.
        records: how many records to structure each time.
    """
    data = json.loads(BODY)
    plain = _plain_cattrs()
    _warm_up(data)
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        ours.append(_seconds(lambda: structure(data, User), records))
        theirs.append(_seconds(lambda: plain(data, User), records))
    return _compared(ours, theirs, 1e6 / records, "µs")


def memory(records: int) -> dict[str, float]:
    """Return the bytes that one record and its parsed JSON take.

    Args:
        records: how many to hold at a time.
    """
    _warm_up(json.loads(BODY))
    parsed = _bytes(lambda: json.loads(BODY), records)
    made = _bytes(lambda: structure(json.loads(BODY), User), records)
    return _compared([made], [parsed], 1 / records, "bytes")


def _warm_up(data: Any) -> None:
    """Structure enough records for each class to get its specialized function."""
    for _ in range(2 * WORTH_WRITING):
        structure(data, User)


def _compared(ours: list[float], theirs: list[float], scale: float, unit: str) -> dict[str, float]:
    mine, other = statistics.median(ours), statistics.median(theirs)
    return {f"ours_{unit}": mine * scale, f"other_{unit}": other * scale, "ratio": mine / other}


def _plain_cattrs() -> Callable[[Any, type[User]], User]:
    """Return plain cattrs' fastest function for these classes; it does not parse times."""
    converter = Converter(detailed_validation=False)
    converter.register_structure_hook(
        datetime, lambda seconds, _: datetime.fromtimestamp(seconds, timezone.utc)
    )
    return converter.get_structure_hook(User)


def _seconds(make: Callable[[], object], records: int) -> float:
    gc.collect()
    started = time.perf_counter()
    for _ in range(records):
        make()
    return time.perf_counter() - started


def _bytes(make: Callable[[], object], records: int) -> float:
    gc.collect()
    tracemalloc.start()
    try:
        held = [make() for _ in range(records)]
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        del held
