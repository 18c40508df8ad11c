"""Shared wording of errors and log lines."""

from __future__ import annotations

import re

_UNPRINTABLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def one_line(text: str, limit: int = 1000) -> str:
    """Return untrusted text as one line for a log, without line breaks and control characters."""
    flat = _UNPRINTABLE.sub(" ", text).strip()
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def history(attempts: int, may_have_been_applied: bool) -> str:
    """Return the suffix of a message about a call's attempts; empty if there is nothing to add."""
    tried = f" (after {attempts} attempts)" if attempts > 1 else ""
    return tried + ("; the change may have been applied" if may_have_been_applied else "")
