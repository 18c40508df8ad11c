"""The paths of the dashboard."""

PREFIX = "/_emulator/dashboard"

_LONGEST_NUMBER = 18


def number_in(text: str) -> int | None:
    """Return a part of a path as a whole number, or None if it is not one."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER
    return int(text) if is_number else None


def path_of(name: str) -> str:
    """Return the path of one of the dashboard's forms, files or pages."""
    return f"{PREFIX}/{name}"
