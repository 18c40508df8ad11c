"""The style sheet, the script and the icon of the dashboard."""

from __future__ import annotations

from importlib import resources

from ..reply import Reply

_TYPES = {
    "dashboard.css": "text/css; charset=utf-8",
    "dashboard.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


def asset(name: str) -> Reply | None:
    """Return a file of the dashboard, or None if there is no such file."""
    if name not in _TYPES:
        return None
    file = resources.files(__package__ or "") / "assets" / name
    return Reply(200, {"Content-Type": _TYPES[name]}, file.read_bytes())
