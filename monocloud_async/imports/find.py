"""Looks a user up by what a row signs in with: the filter narrows, and what comes is compared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import aclosing

import attrs

from .._phone_number import is_number
from ..errors import BadRequestError, PagingError
from ..models import User, UserSummary
from .api import Api
from .row import ImportRow

# Users. A filter that finds more than these narrows nothing.
_MOST = 1000


@attrs.frozen
class Identifier:
    """What a user signs in with: its field of a filter, and its value."""

    field: str
    value: str

    def filters(self, *, thorough: bool) -> Iterator[str]:
        """Yield the filters that should find it; which fields the API knows is not published."""
        quoted = self.value.replace("\\", "\\\\").replace('"', '\\"')
        yield f'{self.field}:"{quoted}"'
        if thorough:
            yield f'"{quoted}"'

    def is_of(self, user: UserSummary) -> bool:
        """Return whether a user has it."""
        if self.field == "email":
            return any(same_text(one.email, self.value) for one in user.emails)
        if self.field == "phone_number":
            return any(same_phone(one.phone, self.value) for one in user.phone_numbers)
        return user.username is not None and same_text(user.username.username, self.value)


def same_text(one: str | None, other: str) -> bool:
    """Return whether email addresses or usernames are the same: case makes no difference."""
    return one is not None and one.casefold() == other.casefold()


def same_phone(one: str | None, other: str) -> bool:
    """Return whether a user's number is that of a row."""
    return one is not None and (one == other or (is_number(one) and _digits(one) == _digits(other)))


def _digits(number: str) -> str:
    return "".join(c for c in number if c.isdigit())


def identifiers(row: ImportRow) -> list[Identifier]:
    """Return what a creation of the row's user has to be unique by."""
    found: list[Identifier] = []
    if row.email:
        found.append(Identifier("email", row.email.value))
    if row.phone:
        found.append(Identifier("phone_number", row.phone.value))
    if row.username:
        found.append(Identifier("username", row.username))
    return found


async def find(api: Api, row: ImportRow, *, thorough: bool) -> list[User]:
    """Return the users who have one of a row's identifiers, whole.

    Args:
        api: how to look them up.
        row: the row.
        thorough: whether one of them must be there, so that it is looked for in other ways too.
    """
    found: dict[str, User] = {}
    for identifier in identifiers(row):
        if any(identifier.is_of(user) for user in found.values()):
            continue
        summary = await _holder(api, identifier, thorough=thorough)
        if summary and summary.user_id not in found:
            found[summary.user_id] = await api.get(summary.user_id)
    return list(found.values())


async def _holder(api: Api, identifier: Identifier, *, thorough: bool) -> UserSummary | None:
    filters = list(identifier.filters(thorough=True))
    for text in filters if thorough else filters[:1]:
        try:
            if user := await _first(api, text, identifier):
                return user
        except BadRequestError:
            # The field may be called otherwise.
            if text == filters[-1]:
                raise
            return await _first(api, filters[-1], identifier)
    return None


async def _first(api: Api, text: str, identifier: Identifier) -> UserSummary | None:
    seen = 0
    async with aclosing(api.search(text).pages()) as pages:
        async for page in pages:
            for user in page.items:
                if identifier.is_of(user):
                    return user
            seen += len(page.items)
            if seen >= _MOST and page.has_next:
                raise PagingError(
                    f"users.list: the look-up by {identifier.field} was left: the filter found "
                    f"more than {_MOST} users, none of them with this one",
                    page=page.current_page,
                )
    return None
