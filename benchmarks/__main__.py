"""Run the benchmarks and report them as a table, JSON and a chart: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from . import chart, imports, measure, parsing, records, report
from .measure import Result, Setting, one_round, summed_up
from .server import ROOT, running

_CHART = ROOT / "docs" / "speed.svg"


def main() -> None:
    """Run the benchmarks with the options from the command line."""
    options = _options()
    _forget_proxies()
    measured = report.Measured(
        rounds=options.rounds,
        calls=options.calls,
        settings=_run(measure.settings(), options.rounds, options.calls),
        growth=_run(measure.growth(), options.rounds, options.calls),
        parsing=parsing.parsing(options.rounds, options.calls),
        structuring=records.structuring(options.rounds, options.calls),
        memory=records.memory(options.calls * 10),
        imports=imports.importing(options.rounds),
    )
    print(report.table(measured))
    written = report.plain(measured)
    options.json.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    options.chart.write_text(chart.drawn(written), encoding="utf-8")
    print(f"\nWritten to {options.json} and {options.chart}")


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
        help="file for all samples (default: benchmarks/results.json)",
    )
    parser.add_argument(
        "--chart", type=Path, default=_CHART, help="file for the chart (default: docs/speed.svg)"
    )
    return parser.parse_args()


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive integer")
    return int(text)


def _forget_proxies() -> None:
    """Ensure that every contender connects directly, without a proxy."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]


def _run(settings: list[Setting], rounds: int, calls: int) -> dict[Setting, dict[str, Result]]:
    measured: dict[Setting, list[dict[str, float]]] = {setting: [] for setting in settings}
    with ExitStack() as servers:
        delays = {setting.delay for setting in settings}
        origins = {delay: servers.enter_context(_serving(delay)) for delay in delays}
        for turn in range(rounds):
            print(f"round {turn + 1} of {rounds}", file=sys.stderr, flush=True)
            for setting, samples in measured.items():
                samples.append(one_round(setting, origins[setting.delay], calls, turn))
    return {setting: summed_up(samples) for setting, samples in measured.items()}


def _serving(delay: float) -> AbstractContextManager[str]:
    return running("benchmarks.server", str(delay))


if __name__ == "__main__":
    main()
