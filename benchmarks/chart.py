"""Draw the comparisons as an SVG bar chart of relative throughput."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from .contenders import OURS

_WIDTH, _LEFT, _RIGHT, _TOP, _ROW = 860, 400, 60, 64, 24
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1f2937}"
    ".title{font-size:16px;font-weight:600}.note{font-size:11px;fill:#6b7280}"
    ".faster{fill:#0f766e}.slower{fill:#94a3b8}.even{stroke:#1f2937;stroke-dasharray:3 3}"
)


def drawn(report: Mapping[str, Any]) -> str:
    """Return the chart for a benchmark report."""
    rows = list(_rows(report))
    height = _TOP + _ROW * len(rows) + 34
    scale = _Scale(ratio for _, ratio in rows)
    bars = "".join(_bar(number, label, ratio, scale) for number, (label, ratio) in enumerate(rows))
    even = f'<path class="even" d="M{scale.at(1):.1f} {_TOP - 8}V{height - 30}"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">'
        f"<style>{_STYLE}</style>"
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>'
        + _text(16, 26, "Throughput of monocloud relative to the other library", "title")
        + _text(16, 46, "Right of the dashed line, monocloud is faster (logarithmic scale)", "note")
        + f"{bars}{even}{_text(16, height - 12, _circumstances(report), 'note')}</svg>\n"
    )


class _Scale:
    """Map a ratio to a position on the chart, logarithmically."""

    def __init__(self, ratios: Iterator[float]) -> None:
        found = [1.0, *ratios]
        self._low, self._high = math.log(min(found) * 0.8), math.log(max(found) * 1.05)

    def at(self, ratio: float) -> float:
        share = (math.log(ratio) - self._low) / (self._high - self._low)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _rows(report: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for setting in report["settings"]:
        for name, result in setting["contenders"].items():
            if name != OURS:
                yield f"{setting['name']} / {name}", result["ratio"]


def _bar(number: int, label: str, ratio: float, scale: _Scale) -> str:
    top = _TOP + _ROW * number
    left, right = sorted((scale.at(1), scale.at(ratio)))
    kind = "faster" if ratio >= 1 else "slower"
    return (
        _text(16, top + 13, label)
        + f'<rect class="{kind}" x="{left:.1f}" y="{top}" width="{right - left:.1f}" height="17"/>'
        + _text(right + 6, top + 13, f"{ratio:.2f}")
    )


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y}" class="{kind}">{escape(text)}</text>'


def _circumstances(report: Mapping[str, Any]) -> str:
    libraries = report["libraries"]
    shown = ", ".join(
        f"{name} {libraries[name]}" for name in (OURS, "aiohttp", "httpx", "requests")
    )
    return (
        f"{report['date'][:10]}, Python {report['python']}, {report['cpu_count']} cores; {shown}; "
        f"medians of {report['rounds']} rounds"
    )
