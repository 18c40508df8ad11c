"""The dashboard page, assembled from its sections."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ..._settings import API_KEY_VARIABLE, DOMAIN_VARIABLE
from ..service import Service
from .actions import ACTIONS
from .document import document
from .fault_form import fault_form, preset_forms
from .fault_list import fault_list
from .group_list import group_list
from .markup import Html, tag
from .request_rows import request_table
from .settings_forms import rate_limit_form, reset_form, seed_form
from .user_list import UserPage, search_form, user_table

_SECTIONS = {
    "requests": "Requests",
    "faults": "Faults",
    "users": "Users",
    "groups": "Groups",
    "settings": "Seed and limits",
}


@attrs.frozen
class Notice:
    """Why a form was rejected.

    Attributes:
        message: what is wrong with it.
        section: the section that has it.
        sent: its values, to correct.
    """

    message: str
    section: str
    sent: Mapping[str, str]


@attrs.frozen
class View:
    """The data for a page.

    Attributes:
        service: the emulator's state.
        token: proves that a form came from this page.
        url: where the emulator listens.
        query: the parameters of the page's path.
        notice: why a form was rejected; None if none was.
    """

    service: Service
    token: str = attrs.field(repr=False)
    url: str
    query: Mapping[str, str]
    notice: Notice | None = None


def page(view: View) -> Html:
    """Return the whole page; the API key is not on it."""
    main = tag(
        "main",
        _requests(view),
        _faults(view),
        _users(view),
        _section("groups", _live("group-list", group_list(view.service.tenant))),
        _settings(view),
        id="main",
    )
    return document("Dashboard", _header(view), main)


def _header(view: View) -> Html:
    counts = view.service.log.counts()
    summary = f"{_count(counts.requests, 'request')} · {_count(counts.executions, 'change')}"
    links = (tag("li", tag("a", name, href=f"#{section}")) for section, name in _SECTIONS.items())
    lines = (
        f"export {DOMAIN_VARIABLE}={view.url}\n"
        f"export {API_KEY_VARIABLE}=<the key that the emulator was started with>"
    )
    return tag(
        "header",
        tag("h1", "MonoCloud ", tag("span", "emulator")),
        _live("summary", tag("p", summary)),
        tag("nav", tag("ul", *links), aria_label="Sections"),
        tag("details", tag("summary", "Connect a client"), tag("pre", lines, tabindex=0)),
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _notice(view: View, section: str) -> Html | None:
    """Return the result of the last form, if it belongs to the section."""
    if view.notice is not None and view.notice.section == section:
        message = tag("p", "Nothing was changed: ", view.notice.message)
        return tag("div", message, class_="notice bad", role="alert", tabindex=-1, autofocus=True)
    action = ACTIONS.get(f"/{view.query.get('done', '')}")
    if view.notice is not None or action is None or action.section != section:
        return None
    # The path's fragment leads here, and takes the focus along.
    return tag("p", action.done, class_="notice", id="notice", role="status", tabindex=-1)


def _requests(view: View) -> Html:
    # Hidden until the script shows it, because it needs JavaScript.
    button = tag("button", "Pause", type="button", id="pause", aria_pressed="false", hidden=True)
    state = tag("span", "Reload to see new requests.", id="live-state")
    bar = tag("div", state, button, class_="bar")
    announced = tag("p", "", id="announcement", class_="unseen", role="status", aria_live="polite")
    table = tag("div", request_table(view.service), id="request-table")
    return _section("requests", bar, announced, table)


def _faults(view: View) -> Html:
    listed = _live("fault-list", fault_list(view.service, view.token))
    add = fault_form(view.token, _sent(view, "faults"))
    return _section("faults", _notice(view, "faults"), listed, preset_forms(view.token), add)


def _users(view: View) -> Html:
    users = UserPage.of(view.service.tenant, view.query)
    return _section("users", search_form(users.search), _live("user-list", user_table(users)))


def _settings(view: View) -> Html:
    sent, token = _sent(view, "settings"), view.token
    forms = (
        seed_form(token, sent),
        rate_limit_form(token, view.service.rate_limit, sent),
        reset_form(token),
    )
    return _section("settings", _notice(view, "settings"), tag("div", *forms, class_="forms"))


def _sent(view: View, section: str) -> Mapping[str, str]:
    return view.notice.sent if view.notice and view.notice.section == section else {}


def _section(name: str, *children: Html | None) -> Html:
    heading = tag("h2", _SECTIONS[name], id=f"{name}-heading")
    labelled = f"{name}-heading"
    return tag("section", heading, *children, id=name, class_="card", aria_labelledby=labelled)


def _live(name: str, content: Html) -> Html:
    """Return a part that the script replaces when something changes."""
    return tag("div", content, id=name, data_live=True)
