"""Measure import time, each time in a new interpreter."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

_MODULES = ("aiohttp", "monocloud_async", "monocloud_sync")


def importing(rounds: int) -> dict[str, float]:
    """Return the milliseconds of each import, and ours relative to aiohttp's.

    Args:
        rounds: how often to measure each, in turn; the first round is discarded.
    """
    samples: dict[str, list[float]] = {module: [] for module in ("", *_MODULES)}
    for turn in range(rounds + 1):
        for module, seconds in samples.items():
            taken = _seconds(f"import {module}" if module else "pass")
            # The first time, files must be compiled and cached.
            seconds += [taken] if turn else []
    nothing = statistics.median(samples.pop(""))
    took = {name: (statistics.median(taken) - nothing) * 1000 for name, taken in samples.items()}
    return {
        **{f"{name}_ms": milliseconds for name, milliseconds in took.items()},
        "ratio": took["monocloud_async"] / took["aiohttp"],
        "more_for_sync_ms": took["monocloud_sync"] - took["monocloud_async"],
    }


def _seconds(code: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started
