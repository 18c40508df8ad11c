"""The paths of the dashboard."""

PREFIX = "/_emulator/dashboard"


def path_of(name: str) -> str:
    """Return the path of one of the dashboard's forms, files or pages."""
    return f"{PREFIX}/{name}"
