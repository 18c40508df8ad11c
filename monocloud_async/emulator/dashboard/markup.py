"""HTML that is escaped by construction: every string that is not Html is text."""

from __future__ import annotations

import html

Attribute = str | int | bool | None
_VOID = ("br", "input", "link", "meta")


class Html(str):
    """Markup; every other string is text, and gets escaped."""

    __slots__ = ()


def tag(name: str, /, *children: str | None, **attributes: Attribute) -> Html:
    """Return an element.

    Args:
        name: the element's name.
        children: Html, or text; None is left out.
        attributes: ``class_`` stands for ``class``, and ``aria_label`` for ``aria-label``; True
            is an attribute without a value, and False and None leave it out.
    """
    start = f"<{name}{''.join(_attribute(*pair) for pair in attributes.items())}>"
    if name in _VOID:
        return Html(start)
    return Html(f"{start}{join(*children)}</{name}>")


def join(*children: str | None) -> Html:
    """Return the children in order as Html; None is left out."""
    return Html(
        "".join(
            child if isinstance(child, Html) else html.escape(child)
            for child in children
            if child is not None
        )
    )


def _attribute(name: str, value: Attribute) -> str:
    name = name.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'
