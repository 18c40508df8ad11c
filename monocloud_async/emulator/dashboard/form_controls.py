"""Forms, and their fields with labels and hints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .markup import Attribute, Html, tag
from .paths import path_of

Form = Mapping[str, str]


def form(action: str, token: str, *children: str | None, **attributes: Attribute) -> Html:
    """Return a form that is sent to one of the dashboard's actions."""
    hidden = tag("input", type="hidden", name="token", value=token)
    return tag("form", hidden, *children, method="post", action=path_of(action), **attributes)


def field(
    name: str, label: str, sent: Form, *, hint: str | None = None, **attributes: Attribute
) -> Html:
    """Return an input with its label.

    Args:
        name: its name and id.
        label: the visible label.
        sent: the values of the form, by field name.
        hint: a help text below the field.
        attributes: further attributes.
    """
    control = tag(
        "input",
        **{"type": "text", "autocomplete": "off", **attributes},
        id=name,
        name=name,
        value=sent.get(name, ""),
        aria_describedby=_hint_id(name, hint),
    )
    return _labelled(name, label, hint, control)


def number(
    name: str,
    label: str,
    sent: Form,
    *,
    least: int = 0,
    most: int | None = None,
    step: str | None = None,
    hint: str | None = None,
) -> Html:
    """Return an input for a number, from ``least`` to ``most``."""
    bounds: dict[str, Attribute] = {"min": least, "max": most, "step": step}
    return field(name, label, sent, hint=hint, type="number", **bounds)


def choice(name: str, label: str, sent: Form, options: Iterable[str], *, empty: str) -> Html:
    """Return a list to choose from; ``empty`` labels the choice of nothing."""
    chosen = sent.get(name, "")
    rows = [tag("option", empty, value="")]
    rows += [tag("option", item, value=item, selected=item == chosen) for item in options]
    return _labelled(name, label, None, tag("select", *rows, id=name, name=name))


def text_area(name: str, label: str, sent: Form, *, hint: str | None = None, rows: int = 2) -> Html:
    """Return an input for several lines."""
    control = tag(
        "textarea",
        # Browsers drop the first line break.
        f"\n{sent.get(name, '')}",
        id=name,
        name=name,
        rows=rows,
        spellcheck="false",
        aria_describedby=_hint_id(name, hint),
    )
    return _labelled(name, label, hint, control)


def _labelled(name: str, label: str, hint: str | None, control: Html) -> Html:
    help_text = tag("small", hint, id=_hint_id(name, hint)) if hint else None
    return tag("div", tag("label", label, for_=name), control, help_text, class_="field")


def _hint_id(name: str, hint: str | None) -> str | None:
    return f"{name}-hint" if hint else None
