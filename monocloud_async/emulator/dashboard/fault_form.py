"""The form that adds a fault, and the conversion of a submitted form to a fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from ..._json import parse
from ...errors import ConfigurationError
from ...operations import ALL
from ..fault import Fault
from .form_controls import choice, field, form, number, text_area
from .markup import Html, tag

Form = Mapping[str, str]
_BODIES = ("truncated", "garbage", "html", "flood")
_CONNECTIONS = ("closed", "reset")
_OPERATIONS = tuple(operation.name for operation in ALL)
_ADVANCED = ("headers", "problem", "body", "body_delay", "drip", "outage", "executed", "user_id")
_CHANCES = ("after", "every", "probability", "seed")
# Faults that one click adds.
_PRESETS: tuple[tuple[str, Form], ...] = (
    ("503 twice", {"status": "503", "times": "2"}),
    ("429, Retry-After 2 s", {"status": "429", "headers": "Retry-After: 2", "times": "1"}),
    ("Reset after executing", {"connection": "reset", "executed": "true", "times": "1"}),
    ("3 s delay", {"delay": "3", "times": "1"}),
)


def fault_of(sent: Form) -> Fault:
    """Return the fault that a submitted form describes; empty fields keep their defaults.

    Raises:
        ConfigurationError: a field is invalid; the message names it.
    """
    given = {name.removeprefix("fault-"): text.strip() for name, text in sent.items()}
    return Fault.from_dict(
        {name: read(name, given[name]) for name, read in _READERS.items() if given.get(name)}
    )


def fault_form(token: str, sent: Form) -> Html:
    """Return the form.

    Args:
        token: proves that this page sent the form.
        sent: the values of a rejected form, to correct; empty at first.
    """
    advanced = any(sent.get(f"fault-{name}") for name in (*_ADVANCED, *_CHANCES))
    return form(
        "add-fault",
        token,
        tag("h3", "Add a fault", id="add-fault-heading"),
        tag("div", *_main_fields(sent), class_="fields"),
        tag(
            "details",
            tag("summary", "More: headers, body, user, probability"),
            tag("div", *_effect_fields(sent), *_selection_fields(sent), class_="fields"),
            open=advanced,
            id="more-fault-fields",
        ),
        tag("button", "Add fault", class_="primary"),
        aria_labelledby="add-fault-heading",
    )


def preset_forms(token: str) -> Html:
    """Return a small form for each fault that one click adds."""
    return tag(
        "div",
        tag("h3", "One click", id="presets-heading"),
        *(
            form("add-fault", token, *map(_hidden, sent.items()), tag("button", label))
            for label, sent in _PRESETS
        ),
        class_="presets",
        role="group",
        aria_labelledby="presets-heading",
    )


def _main_fields(sent: Form) -> tuple[Html, ...]:
    return (
        number("fault-status", "Status", sent, least=200, most=599, hint="200 to 599"),
        choice("fault-connection", "Connection", sent, _CONNECTIONS, empty="Stays open"),
        number("fault-delay", "Delay in seconds", sent, step="any"),
        number("fault-times", "Times", sent, least=1, hint="Empty: no limit"),
        choice("fault-operation", "Operation", sent, _OPERATIONS, empty="Any operation"),
    )


def _effect_fields(sent: Form) -> tuple[Html, ...]:
    return (
        text_area("fault-headers", "Headers", sent, hint="One per line, such as Retry-After: 2"),
        text_area("fault-problem", "Problem members", sent, hint='JSON, such as {"title": "Down"}'),
        choice("fault-body", "Body", sent, _BODIES, empty="Complete"),
        number("fault-body_delay", "Body delay in seconds", sent, step="any"),
        number("fault-drip", "Drip over seconds", sent, step="any"),
        number("fault-outage", "Outage in seconds", sent, step="any"),
        choice(
            "fault-executed", "Executed", sent, ("true", "false"), empty="Depends on the status"
        ),
        field("fault-user_id", "User id", sent, hint="Empty: any user"),
    )


def _selection_fields(sent: Form) -> tuple[Html, ...]:
    return (
        number("fault-after", "Skip this many requests first", sent),
        number("fault-every", "Every nth request", sent, least=1),
        number("fault-probability", "Probability", sent, step="any", most=1, hint="0 to 1"),
        number("fault-seed", "Random seed", sent),
    )


def _hidden(pair: tuple[str, str]) -> Html:
    return tag("input", type="hidden", name=f"fault-{pair[0]}", value=pair[1])


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ConfigurationError(f"a fault's {name} must be a whole number, not {text!r}") from None


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigurationError(f"a fault's {name} must be a number, not {text!r}") from None


def _text(_: str, text: str) -> str:
    return text


def _flag(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise ConfigurationError(f"a fault's {name} must be true or false, not {text!r}")
    return text == "true"


def _headers(_: str, text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if line.strip() and not colon:
            raise ConfigurationError(f"a header must be like 'Retry-After: 2', not {line!r}")
        if colon:
            found[name.strip()] = value.strip()
    return found


def _members(name: str, text: str) -> Any:
    try:
        return parse(text.encode(errors="surrogatepass"))
    except (ValueError, RecursionError):
        raise ConfigurationError(f"a fault's {name} must be a JSON object") from None


_KINDS: Mapping[str, Callable[[str, str], Any]] = {
    "status": _whole,
    "headers": _headers,
    "problem": _members,
    "delay": _number,
    "body_delay": _number,
    "drip": _number,
    "outage": _number,
    "executed": _flag,
    "after": _whole,
    "every": _whole,
    "probability": _number,
    "seed": _whole,
    "times": _whole,
}
_READERS: Mapping[str, Callable[[str, str], Any]] = {
    attribute.name: _KINDS.get(attribute.name, _text) for attribute in attrs.fields(Fault)
}
