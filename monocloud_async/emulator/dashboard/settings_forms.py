"""The forms that set the rate limit, load a seed, and reset the emulator."""

from __future__ import annotations

from collections.abc import Mapping

from ..rate_limit import RateLimit
from .form_controls import field, form, text_area
from .markup import Html, tag

Form = Mapping[str, str]


def rate_limit_form(token: str, limit: RateLimit | None, sent: Form) -> Html:
    """Return the form that sets or lifts the rate limit."""
    current = f"{limit.per_second:g}/s burst {limit.burst}" if limit else ""
    shown = sent if "rate-limit" in sent else {"rate-limit": current}
    return form(
        "set-rate-limit",
        token,
        tag("h3", "Rate limit"),
        field(
            "rate-limit",
            "Allowed calls",
            shown,
            hint="Such as 200/s burst 20, 60/min or 1000/h. Empty: no limit.",
        ),
        tag("button", "Set rate limit"),
    )


def seed_form(token: str, sent: Form) -> Html:
    """Return the form that replaces users and groups."""
    upload = tag(
        "div",
        tag("label", "Or a JSON file", for_="file"),
        tag("input", type="file", id="file", name="file", accept=".json,application/json"),
        tag("small", "Up to 1 MiB; for a larger one, start with --seed.", id="file-hint"),
        class_="field",
    )
    return form(
        "seed",
        token,
        tag("h3", "Seed"),
        text_area(
            "seed",
            "Users as JSON",
            sent,
            rows=4,
            hint="A list of users, or an object with users, groups and more. It replaces all "
            "users and groups, and later resets restore it.",
        ),
        upload,
        tag("button", "Load seed"),
        enctype="multipart/form-data",
    )


def reset_form(token: str) -> Html:
    """Return the form that resets the emulator."""
    return form(
        "reset",
        token,
        tag("h3", "Reset"),
        tag(
            "p", "Restores the seed, the initial faults and the rate limit, and clears the counts."
        ),
        tag("button", "Reset", class_="danger"),
    )
