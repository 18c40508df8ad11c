"""Report the measurements as text and as JSON."""

from __future__ import annotations

import importlib
import os
import platform
from collections.abc import Mapping
from datetime import datetime, timezone
from importlib import metadata
from typing import Any

import attrs

import monocloud_async

from .contenders import OURS
from .measure import Result, Setting

MEANING = "throughput of monocloud / throughput of X; more than 1: monocloud is faster"
# httpcore tries to import sniffio in each call if it is missing, so list its version.
_LIBRARIES = (
    "aiohttp",
    "yarl",
    "attrs",
    "cattrs",
    "orjson",
    "httpx",
    "httpcore",
    "sniffio",
    "requests",
    "urllib3",
)
Results = Mapping[Setting, Mapping[str, Result]]


@attrs.frozen
class Measured:
    """All results of one benchmark run.

    Attributes:
        rounds: how often each was measured.
        calls: how many calls each time.
        settings: the comparisons of contenders.
        growth: ours alone, with increasing calls in flight.
        parsing: microseconds per parser and serialization.
        structuring: the time to structure a record, compared with plain cattrs.
        memory: the memory of a record, compared with its parsed JSON.
        imports: the import time, compared with aiohttp.
    """

    rounds: int
    calls: int
    settings: Results
    growth: Results
    parsing: Mapping[str, Mapping[str, float]]
    structuring: Mapping[str, float]
    memory: Mapping[str, float]
    imports: Mapping[str, float]


def table(measured: Measured) -> str:
    """Return the results as text, one line per comparison."""
    libraries = ", ".join(f"{name} {version or '-'}" for name, version in _versions().items())
    lines = [
        f"Python {platform.python_version()}, {os.cpu_count()} CPUs; {libraries}",
        f"Medians of {measured.rounds} rounds of {measured.calls} calls. Ratio: {MEANING}.",
        "",
        f"{'setting':36} {'X':22} {'calls/s':>8} {'µs/call':>8} {'ratio':>6}  in the rounds",
    ]
    for setting, contenders in measured.settings.items():
        lines += [_row(setting, name, result) for name, result in contenders.items()]
    lines += ["", "monocloud alone, with increasing calls in flight:"]
    best = max(_ours(contenders).median for contenders in measured.growth.values())
    for setting, contenders in measured.growth.items():
        ours = _ours(contenders).median
        lines.append(f"{setting.name:36} {1e6 / ours:8,.0f} µs/call, {best / ours:.2f} of the best")
    lines += ["", *_parsing(measured.parsing)]
    for name in ("structuring", "memory", "imports"):
        figures: Mapping[str, float] = getattr(measured, name)
        said = ", ".join(f"{figure} {value:,.2f}" for figure, value in figures.items())
        lines += ["", f"{name}: {said}"]
    return "\n".join(lines)


def plain(measured: Measured) -> dict[str, Any]:
    """Return the results as JSON."""
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
        "libraries": _versions(),
        "rounds": measured.rounds,
        "calls_per_measurement": measured.calls,
        "meaning_of_ratio": MEANING,
        "settings": _plain_results(measured.settings),
        "growth": _plain_results(measured.growth),
        "parsing": {body: dict(figures) for body, figures in measured.parsing.items()},
        "structuring": dict(measured.structuring),
        "memory": dict(measured.memory),
        "imports": dict(measured.imports),
    }


def _parsing(parsing: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return a table with a line per serialization and a column per parser."""
    parsers = list(next(iter(parsing.values())))
    lines = [f"{'µs to parse the response':36} " + " ".join(f"{name:>18}" for name in parsers)]
    for body, figures in parsing.items():
        lines.append(f"{body:36} " + " ".join(f"{figures[name]:18.1f}" for name in parsers))
    return lines


def _row(setting: Setting, name: str, result: Result) -> str:
    row = f"{setting.name:36} {name:22} {result.median:8,.0f} {1e6 / result.median:8,.0f}"
    if name == OURS:
        return row
    return f"{row} {result.ratio:6.2f}  {min(result.ratios):.2f} to {max(result.ratios):.2f}"


def _ours(contenders: Mapping[str, Result]) -> Result:
    return contenders[OURS]


def _plain_results(results: Results) -> list[dict[str, Any]]:
    return [
        {
            "name": setting.name,
            "workers": setting.workers,
            "server_seconds": setting.delay,
            "contenders": {name: _plain_result(result) for name, result in contenders.items()},
        }
        for setting, contenders in results.items()
    ]


def _plain_result(result: Result) -> dict[str, Any]:
    return {
        "calls_per_second": result.samples,
        "median_calls_per_second": result.median,
        "median_microseconds_per_call": 1e6 / result.median,
        "ratio": result.ratio,
        "ratios_in_the_rounds": result.ratios,
    }


def _versions() -> dict[str, str | None]:
    """Return the versions of the libraries involved; None if not installed."""
    return {OURS: monocloud_async.__version__} | {name: _version(name) for name in _LIBRARIES}


def _version(name: str) -> str | None:
    try:
        importlib.import_module(name)
    except ImportError:
        return None
    return metadata.version(name)
