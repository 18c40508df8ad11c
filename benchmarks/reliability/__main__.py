"""Test each promise against the emulator, and write the results to docs/reliability.md."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from .faults import FAULTS, QUICK, compared
from .page import tables, written
from .promises import tried

_PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


def main() -> None:
    """Run all trials, print the tables, and write them to the page."""
    options = _options()
    _forget_environment()
    found = asyncio.run(_tables(options.calls, quick=options.quick))
    print(found)
    # A quick run leaves trials out, so it must not overwrite the full results.
    page = options.page or (None if options.quick else _PAGE)
    if page is not None:
        written(page, found)
        print(f"Written to {page}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability", description=__doc__)
    parser.add_argument(
        "--calls", type=_count, default=500, help="calls per fault and client (default: 500)"
    )
    parser.add_argument("--quick", action="store_true", help="skip trials that take seconds")
    parser.add_argument(
        "--page",
        type=Path,
        help="page to write to (default: docs/reliability.md, or no page with --quick)",
    )
    return parser.parse_args()


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive integer")
    return int(text)


def _forget_environment() -> None:
    """Ensure that every client connects directly to the emulator, and never to a real tenant."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("MONOCLOUD_"):
            del os.environ[name]


async def _tables(calls: int, *, quick: bool) -> str:
    print("Running every fault with every client …", file=sys.stderr)
    comparisons = await compared(calls, QUICK if quick else FAULTS)
    print("Testing every promise …", file=sys.stderr)
    return tables(await tried(comparisons, calls, quick=quick), comparisons, calls)


if __name__ == "__main__":
    main()
