"""Format the tables, and write them to the page."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path

from .bench import Trial
from .contenders import CONTENDERS
from .faults import Comparison
from .promises import Promise

BEGIN, END = "<!-- figures: python -m benchmarks.reliability -->", "<!-- end of figures -->"
_LIBRARIES = ("aiohttp", "httpx", "tenacity", "requests", "urllib3")


def written(page: Path, tables: str) -> None:
    """Replace the tables on the page.

    Raises:
        ValueError: the page lacks the markers for them.
    """
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no place for the figures; add the lines {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n{tables}\n{END}{after}", encoding="utf-8")


def tables(found: Mapping[Promise, Trial], comparisons: Sequence[Comparison], calls: int) -> str:
    """Return both tables as Markdown."""
    rows = [
        (promise.text, _proof(promise), trial.tried, *_cells(trial.figures))
        for promise, trial in found.items()
    ]
    faults = [
        (
            f"{comparison.operation.partition('.')[2]}: {comparison.fault}",
            f"{next(iter(comparison.figures.values())).faults:,}",
            *_cells({name: str(figures) for name, figures in comparison.figures.items()}),
        )
        for comparison in comparisons
    ]
    return "\n".join(
        [
            f"\nMeasured with {_versions()}.\n",
            *_table(("Promise", "Tests", "Tested with", *CONTENDERS), rows),
            f"\n### Fault by fault: {calls:,} calls per client\n",
            *_table(("Operation and fault", "Faults", *CONTENDERS), faults),
            "",
        ]
    )


def _proof(promise: Promise) -> str:
    return "<br>".join(f"`{test.replace('::', '` `')}`" for test in promise.tests)


def _cells(figures: Mapping[str, str]) -> Iterable[str]:
    return (figures[name] for name in CONTENDERS)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _versions() -> str:
    named = ", ".join(f"{name} {metadata.version(name)}" for name in _LIBRARIES)
    return (
        f"Python {platform.python_version()}, {named}, {platform.system()}, {os.cpu_count()} CPUs"
    )
