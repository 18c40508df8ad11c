"""Finds a user by a row's identifiers: a filter narrows the search, then results are compared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import aclosing

import attrs

from .._phone_number import is_number
from ..errors import BadRequestError, PagingError
from ..models import User, UserSummary
from .api import Api
from .row import ImportRow

# The maximum number of users to scan. A filter that matches more is useless.
_MOST = 1000


@attrs.frozen
class Identifier:
    """A sign-in identifier of a user: its filter field and its value."""

    field: str
    value: str

    def filters(self, *, thorough: bool) -> Iterator[str]:
        """Yield the filters that should find it; the API does not document the fields it knows."""
        quoted = self.value.replace("\\", "\\\\").replace('"', '\\"')
        yield f'{self.field}:"{quoted}"'
        if thorough:
            yield f'"{quoted}"'

    def is_of(self, user: UserSummary) -> bool:
        """Return whether a user has this identifier."""
        if self.field == "email":
            return any(same_text(email.email, self.value) for email in user.emails)
        if self.field == "phone_number":
            return any(same_phone(phone.phone, self.value) for phone in user.phone_numbers)
        return user.username is not None and same_text(user.username.username, self.value)


def same_text(one: str | None, other: str) -> bool:
    """Return whether two email addresses or usernames are equal, ignoring case."""
    return one is not None and one.casefold() == other.casefold()


def same_phone(one: str | None, other: str) -> bool:
    """Return whether a user's number equals that of a row."""
    return one is not None and (one == other or (is_number(one) and _digits(one) == _digits(other)))


def _digits(number: str) -> str:
    return "".join(c for c in number if c.isdigit())


def identifiers(row: ImportRow) -> list[Identifier]:
    """Return the row's identifiers, which must be unique in the tenant."""
    found: list[Identifier] = []
    if row.email:
        found.append(Identifier("email", row.email.value))
    if row.phone:
        found.append(Identifier("phone_number", row.phone.value))
    if row.username:
        found.append(Identifier("username", row.username))
    return found


def all_identifiers(row: ImportRow) -> list[Identifier]:
    """Return all that no other row may have: the identifiers, and the further addresses."""
    further = [Identifier("email", one.value) for one in row.emails]
    further += [Identifier("phone_number", one.value) for one in row.phones]
    return [*identifiers(row), *further]


async def find(api: Api, row: ImportRow, *, thorough: bool) -> list[User]:
    """Return the complete users that have one of a row's identifiers.

    Args:
        api: calls the API.
        row: the row.
        thorough: whether such a user must exist, so that further filters are worth trying.
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
            # The API may use another name for the field.
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
                    f"users.list: the lookup by {identifier.field} was abandoned: the filter "
                    f"matched more than {_MOST} users, none of them with this {identifier.field}",
                    page=page.current_page,
                )
    return None
