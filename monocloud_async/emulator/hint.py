"""A hint for programs such as curl that ask for ``/``, which the API does not have."""

from __future__ import annotations

from .reply import Reply
from .service import KEY_HEADER, Received


def wants_hint(received: Received) -> bool:
    """Return whether a request is for ``/``, from a program that takes anything and has no key."""
    headers = received.request.headers
    return (
        received.path == "/"
        and received.request.method in ("GET", "HEAD")
        and headers.get("Accept", "*/*") == "*/*"
        and KEY_HEADER not in headers
    )


def hint(url: str) -> Reply:
    """Return the hint as a response.

    Args:
        url: where the emulator listens.
    """
    text = (
        "This is a MonoCloud emulator.\n"
        f"To watch it, open {url}/ in a browser.\n"
        f"Its API is at {url}/api and needs the header X-API-KEY.\n"
    )
    return Reply(200, {"Content-Type": "text/plain; charset=utf-8"}, text.encode())
