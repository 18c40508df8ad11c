"""Lists of names in a sentence."""

from __future__ import annotations

from collections.abc import Sequence


def spoken(names: Sequence[str], word: str = "and") -> str:
    """Return names joined as in a sentence, such as ``a, b and c``."""
    *before, last = names
    return f"{', '.join(before)} {word} {last}" if before else last
