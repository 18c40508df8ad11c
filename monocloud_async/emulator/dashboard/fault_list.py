"""The active faults, each with a button that removes it."""

from __future__ import annotations

import json
from typing import Any

from ..fault import Fault
from ..service import Service
from .form_controls import form
from .markup import Html, tag

# The members that choose which requests a fault hits.
_CHOICE = ("operation", "user_id", "after", "every", "probability", "seed", "times")


def fault_list(service: Service, token: str) -> Html:
    """Return the faults, and how many requests each has hit."""
    faults: list[Fault] = []
    for fault in service.faults:
        if fault not in faults:
            faults.append(fault)
    if not faults:
        return tag("p", "No faults.", class_="empty")
    rows = [_row(service, token, fault, n) for n, fault in enumerate(faults, 1)]
    clear = tag("button", "Remove all faults", id="clear-faults")
    return tag("div", tag("ul", *rows, class_="faults"), form("clear-faults", token, clear))


def summary(fault: Fault) -> str:
    """Return a fault in a few words, such as ``503, times 2``."""
    return _words(fault.to_dict())


def effect(fault: Fault) -> str:
    """Return the effect of a fault, without the members that choose its requests."""
    members = fault.to_dict()
    return _words({name: members[name] for name in members if name not in _CHOICE})


def _words(members: dict[str, Any]) -> str:
    status = [str(members.pop("status"))] if "status" in members else []
    return ", ".join(status + [f"{name} {_value(value)}" for name, value in members.items()])


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _row(service: Service, token: str, fault: Fault, number: int) -> Html:
    struck = service.faults.struck(fault)
    times = "1 request" if struck == 1 else f"{struck} requests"
    return tag(
        "li",
        tag("div", tag("code", summary(fault)), tag("small", f"hit {times}")),
        form(
            "remove-fault",
            token,
            tag("input", type="hidden", name="fault", value=json.dumps(fault.to_dict())),
            tag("button", "Remove", id=f"remove-fault-{number}", aria_label=_label(fault)),
        ),
    )


def _label(fault: Fault) -> str:
    return f"Remove the fault: {summary(fault)}"
