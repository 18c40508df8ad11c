"""A phone by its number: what is the same number, and which phone of a user has it."""

from __future__ import annotations

import re

from ._arguments import text
from .errors import InvalidArgumentError, PhoneNotFoundError
from .models import User, UserPhone

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
# What people put between digits. No slash: in "+49 30 1234/35" it stands between two numbers.
_BETWEEN = re.compile("[ \xa0\u2007\u2009\u202f.()\\[\\]\u2010-\u2015\u2212-]")
# A shorter number would be told, all but whole, by its last four digits.
_SHORTEST_TOLD = 7


def number(phone: object) -> str:
    """Return a number as the API writes it: ``+`` and digits.

    Args:
        phone: the same, with or without spaces, dashes, dots and brackets.

    Raises:
        InvalidArgumentError: it is not such a number. One that begins with 0, 00 or 011 is not:
            what that means depends on where one is.
    """
    bare = _BETWEEN.sub("", text("phone", phone))
    if not _E164.fullmatch(bare):
        raise InvalidArgumentError(
            "phone must be a number with + and the country's code, such as +441514960453 "
            "(E.164), and it is not; nothing was sent"
        )
    return bare


def is_number(text: str) -> bool:
    """Return whether a text is a number, with what people put between its digits."""
    return _E164.fullmatch(_BETWEEN.sub("", text)) is not None


def phone_with(wanted: str, user: User) -> UserPhone:
    """Return the phone of a user that has a number; of several, the one that is primary.

    Args:
        wanted: the number, as number() returns it.
        user: the user.

    Raises:
        PhoneNotFoundError: no phone has it, or several do, and none of them is primary.
    """
    found = [phone for phone in user.phone_numbers if _bare(phone) == wanted]
    if len(found) == 1:
        return found[0]
    for phone in found:
        if phone.primary:
            return phone
    raise _not_found(wanted, len(found), user)


def _not_found(wanted: str, count: int, user: User) -> PhoneNotFoundError:
    endings = [_ending(_bare(phone)) for phone in user.phone_numbers]
    others = f"the user's numbers end in {', '.join(endings)}" if endings else "the user has none"
    found = "no phone has the number"
    if count:
        found = f"{count} phones, none of them primary, have the number"
        others = "set one by its identifier"
    return PhoneNotFoundError(
        f"phones.set_primary_by_number: {found} {_ending(wanted)}: {others}; nothing was changed",
        endings=endings,
    )


def _bare(phone: UserPhone) -> str:
    return _BETWEEN.sub("", phone.phone or "")


def _ending(bare: str) -> str:
    return f"…{bare[-4:]}" if len(bare) > _SHORTEST_TOLD else "…"
