"""Measure, print a table, write JSON: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
from collections.abc import Mapping
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

import monocloud_async

from .contenders import OURS
from .measure import Result, Setting, one_round, settings, summed_up
from .server import running

MEANING = "throughput of monocloud / throughput of X; more than 1: monocloud is faster"
# monocloud parses with orjson where it is installed, and httpcore, where sniffio is not, looks for
# it again in each call: both are to be seen in what is written.
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


def main() -> None:
    """Run the benchmarks as the command line says."""
    options = _options()
    _forget_proxies()
    results = _measured(options.rounds, options.calls)
    print(_table(results, options.rounds, options.calls))
    report = _report(results, options.rounds, options.calls)
    options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"\nWritten to {options.json}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=_count, default=5, help="(default: 5)")
    parser.add_argument(
        "--calls", type=_count, default=2000, help="calls per measurement (default: 2000)"
    )
    parser.add_argument(
        "--json",
        type=Path,
        default=Path(__file__).parent / "results.json",
        help="where to write all samples (default: benchmarks/results.json)",
    )
    return parser.parse_args()


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number, 1 or more")
    return int(text)


def _forget_proxies() -> None:
    """Make sure that all go straight to the server, with their defaults."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]


def _measured(rounds: int, calls: int) -> dict[Setting, dict[str, Result]]:
    measured: dict[Setting, list[dict[str, float]]] = {setting: [] for setting in settings()}
    with running() as origin:
        for turn in range(rounds):
            print(f"round {turn + 1} of {rounds}", file=sys.stderr, flush=True)
            for setting, samples in measured.items():
                samples.append(one_round(setting, origin, calls, turn))
    return {setting: summed_up(samples) for setting, samples in measured.items()}


def _table(results: Results, rounds: int, calls: int) -> str:
    libraries = ", ".join(f"{name} {version or '-'}" for name, version in _versions().items())
    lines = [
        f"Python {platform.python_version()}, {os.cpu_count()} CPUs; {libraries}",
        f"Medians of {rounds} rounds of {calls} calls each. Ratio: {MEANING}.",
        "",
        f"{'setting':20} {'X':22} {'calls/s':>8} {'µs/call':>8} {'ratio':>6}  in the rounds",
    ]
    for setting, contenders in results.items():
        lines += [_row(setting, name, result) for name, result in contenders.items()]
    return "\n".join(lines)


def _row(setting: Setting, name: str, result: Result) -> str:
    row = f"{setting.name:20} {name:22} {result.median:8,.0f} {1e6 / result.median:8,.0f}"
    if name == OURS:
        return row
    return f"{row} {result.ratio:6.2f}  {min(result.ratios):.2f} to {max(result.ratios):.2f}"


def _report(results: Results, rounds: int, calls: int) -> dict[str, object]:
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
        "libraries": _versions(),
        "rounds": rounds,
        "calls_per_measurement": calls,
        "meaning_of_ratio": MEANING,
        "settings": [
            {
                "name": setting.name,
                "workers": setting.workers,
                "contenders": {name: _plain(result) for name, result in contenders.items()},
            }
            for setting, contenders in results.items()
        ],
    }


def _plain(result: Result) -> dict[str, object]:
    return {
        "calls_per_second": result.samples,
        "median_calls_per_second": result.median,
        "median_microseconds_per_call": 1e6 / result.median,
        "ratio": result.ratio,
        "ratios_in_the_rounds": result.ratios,
    }


def _versions() -> dict[str, str | None]:
    """Return the versions of what takes part, None for what is not installed."""
    return {OURS: monocloud_async.__version__} | {name: _version(name) for name in _LIBRARIES}


def _version(name: str) -> str | None:
    try:
        importlib.import_module(name)
    except ImportError:
        return None
    return metadata.version(name)


if __name__ == "__main__":
    main()
