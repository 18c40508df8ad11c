"""The HTML document around each page of the dashboard."""

from __future__ import annotations

from .markup import Html, tag
from .paths import path_of


def document(title: str, *body: Html) -> Html:
    """Return a complete HTML document."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title} – MonoCloud emulator"),
        tag("link", rel="icon", href=path_of("icon.svg")),
        tag("link", rel="stylesheet", href=path_of("dashboard.css")),
        tag("script", src=path_of("dashboard.js"), defer=True),
    )
    skip = tag("a", "Skip to content", href="#main", class_="skip")
    return Html(f"<!doctype html>\n{tag('html', head, tag('body', skip, *body), lang='en')}\n")
