"""The users, with a search and pages."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime, timezone
from math import ceil
from typing import Any
from urllib.parse import urlencode

import attrs

from ..account import Account, Json
from ..tenant import Tenant
from .markup import Html, join, tag
from .paths import number_in

_PAGE_SIZE = 20
_HEADINGS = ("User", "Phones", "Emails", "Groups", "Sessions")


@attrs.frozen
class UserPage:
    """One page of the users that a search found.

    Attributes:
        search: the search text.
        found: the number of users found.
        page: the number of this page, counting from 1.
        pages: the number of pages, at least 1.
        accounts: the users on this page.
    """

    search: str
    found: int
    page: int
    pages: int
    accounts: list[Account]

    @classmethod
    def of(cls, tenant: Tenant, query: Mapping[str, str]) -> UserPage:
        """Return the page that a query asks for, with ``q`` and ``page``."""
        search = query.get("q", "").strip()
        found = tenant.read(lambda tenant: _found(tenant, search.casefold()))
        pages = max(1, ceil(len(found) / _PAGE_SIZE))
        page = min(pages, max(1, number_in(query.get("page", "")) or 1))
        chosen = found[(page - 1) * _PAGE_SIZE : page * _PAGE_SIZE]
        return cls(search, len(found), page, pages, tenant.read(lambda _: deepcopy(chosen)))


def search_form(search: str) -> Html:
    """Return the form that searches users."""
    label = tag("label", "Search users", for_="q")
    control = tag("input", type="search", id="q", name="q", value=search, autocomplete="off")
    button = tag("button", "Search")
    return tag("form", label, control, button, method="get", action="/#users", role="search")


def user_table(users: UserPage) -> Html:
    """Return the users of a page as a table, with links to the other pages."""
    noun = "user" if users.found == 1 else "users"
    summary = f"{users.found:,} {noun}" + (f" found for “{users.search}”" if users.search else "")
    heads = (tag("th", heading, scope="col") for heading in _HEADINGS)
    table = tag(
        "table",
        tag("caption", "Users", class_="unseen"),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *map(_row, users.accounts)),
    )
    shown = tag("div", table, class_="scrolls", tabindex=0, role="region", aria_label="User list")
    return tag("div", tag("p", summary), shown if users.accounts else None, _pages(users))


def _pages(users: UserPage) -> Html | None:
    if users.pages == 1:
        return None
    return tag(
        "nav",
        _page_link("Previous", users, users.page - 1),
        tag("span", f"Page {users.page} of {users.pages}"),
        _page_link("Next", users, users.page + 1),
        class_="pages",
        aria_label="Pages of users",
    )


def _page_link(label: str, users: UserPage, page: int) -> Html | None:
    if not 1 <= page <= users.pages:
        return None
    query = urlencode({"q": users.search, "page": page}, errors="replace")
    return tag("a", label, href=f"/?{query}#users", id=f"users-{label.lower()}")


def _found(tenant: Tenant, search: str) -> list[Account]:
    accounts = tenant.accounts.values()
    return [account for account in accounts if not search or search in _searched(account)]


def _searched(account: Account) -> str:
    words = [account.user_id, _name(account.record)]
    words += [value for _, value in account.identifiers()]
    return "\n".join(words).casefold()


def _name(record: Json) -> str:
    claims: Json = record.get("claims") or {}
    return str(claims.get("name") or "")


def _row(account: Account) -> Html:
    record = account.record
    phones = [_identifier(row, "phone") for row in record.get("phone_numbers") or ()]
    emails = [_identifier(row, "email") for row in record.get("emails") or ()]
    groups = [tag("li", str(group.get("group_name"))) for group in account.memberships]
    return tag(
        "tr",
        tag("th", *_user_cell(record), scope="row"),
        tag("td", _listed(phones)),
        tag("td", _listed(emails)),
        tag("td", _listed(groups)),
        tag("td", _listed(list(map(_session, account.sessions)))),
    )


def _user_cell(record: Json) -> tuple[Html | None, ...]:
    username: Json = record.get("username") or {}
    name = " · ".join(part for part in (_name(record), str(username.get("username") or "")) if part)
    return (
        tag("span", name, class_="name") if name else None,
        tag("code", str(record["user_id"])),
        tag("span", "disabled", class_="mark") if record.get("disabled") else None,
    )


def _identifier(row: Json, member: str) -> Html:
    marks = [word for word in ("primary", "verified") if row.get(word)]
    shown = (tag("span", word, class_=f"mark {word}") for word in marks)
    value = tag("span", str(row.get(member) or "–"), title=str(row.get("id") or "") or None)
    return tag("li", value, *(join(" ", mark) for mark in shown))


def _session(session: Json) -> Html:
    end: Any = session.get("expires")
    until = f" until {_moment(end)}" if isinstance(end, (int, float)) else ""
    return tag("li", tag("code", str(session.get("session_id"))), until)


def _moment(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def _listed(items: list[Html]) -> Html:
    return tag("ul", *items) if items else tag("span", "–")
