"""Phone numbers: normalizing them, and finding a user's phone by its number."""

from __future__ import annotations

import re

from ._arguments import text
from ._characters import named, trimmed
from .errors import InvalidArgumentError, PhoneNotFoundError
from .models import User, UserPhone

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
# Separators between digits. No slash, because "+49 30 1234/35" means two numbers.
_BETWEEN = re.compile("[ \xa0\u2007\u2009\u202f.()\\[\\]\u2010-\u2015\u2212-]")
_SCHEME = re.compile("tel:", re.IGNORECASE)
_COUNTRY = re.compile(
    r"\+(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[0-9]{3})", re.ASCII
)
_TRUNK_ZERO = re.compile(r"[(\[]\s*0\s*[)\]]")
# In these countries the zero is part of the number, and dialled from abroad too.
_KEEP_ZERO = frozenset(
    f"+{code}"
    for code in (
        *(39, 47, 225, 226, 227, 229, 241, 242, 247, 250),
        *(268, 378, 379, 676, 687, 800, 853, 881, 888, 992),
    )
)
# Full-width forms of ASCII characters, as typed on Chinese and Japanese keyboards.
_NARROW: dict[int, int | str] = {
    ord("\u3000"): " ",
    **{ord("\uff01") + n: ord("!") + n for n in range(94)},
}
_EXTENSION = re.compile(r"[0-9).\s;,](?:x|ext|#)[a-z]*[.:=\s]*[0-9]", re.IGNORECASE)
_ROUNDED = re.compile(r"\+?[0-9][0-9.,]*E\+?[0-9]+", re.IGNORECASE)
_FRACTION = re.compile(r"[^.]*[0-9]\.00?")
# The trunk prefix is 8 or 1 in these countries, where no area code consists of that digit.
_TRUNK_DIGIT = re.compile(
    r"\+(?:7|37[05]|99[2-68])\)?\s*[(\[]\s*8\s*[)\]]|\+1\)?\s*[(\[]\s*1\s*[)\]]"
)
# The last four digits would reveal most of a shorter number.
_SHORTEST_SHOWN = 7


def number(phone: object, name: str = "phone") -> str:
    """Return a phone number in the API's format: ``+`` and digits.

    Args:
        phone: the number, optionally with spaces, dashes, dots, brackets, a bracketed zero after
            the country code, ``tel:``, and invisible characters around it.
        name: the argument's name, for the error message.

    Raises:
        InvalidArgumentError: it is not such a number, or could be more than one. A number that
            starts with 0, 00 or 011 is invalid, because its meaning depends on the location.
    """
    if isinstance(phone, str) and _E164.fullmatch(phone) and _zero(phone, phone) is None:
        return str(phone)
    given = trimmed(text(name, phone).translate(_NARROW))
    found = _without_trunk_zero(_SCHEME.sub("", given, count=1) if _SCHEME.match(given) else given)
    bare = _BETWEEN.sub("", found)
    why = _fault(found, bare)
    if why is None:
        return bare
    raise InvalidArgumentError(
        f"{name} must be a number with + and a country code, such as +441514960453 (E.164), "
        f"but {why}; nothing was sent"
    )


def _without_trunk_zero(phone: str) -> str:
    """Return a number without the bracketed zero that is dialled only within the country."""
    found = _TRUNK_ZERO.search(phone)
    if found is None:
        return phone
    before = _BETWEEN.sub("", phone[: found.start()])
    if not _COUNTRY.fullmatch(before) or before in _KEEP_ZERO:
        return phone
    return f"{before} {phone[found.end() :]}"


def _fault(phone: str, bare: str) -> str | None:
    """Return why the input is not certainly one number, or None if it is."""
    if _FRACTION.fullmatch(phone):
        return "a program has turned it into a fraction: export the column as text"
    if _TRUNK_DIGIT.search(phone):
        return "it has a bracketed digit that is dialled only within the country: leave it out"
    if _E164.fullmatch(bare):
        return _zero(phone, bare)
    if _ROUNDED.fullmatch(phone):
        return "a spreadsheet has rounded it: format the column as text, and export it again"
    if _EXTENSION.search(phone):
        return "it has an extension"
    for character in bare:
        if not (character.isascii() and character.isdigit()) and character != "+":
            return f"it contains {_described(character)}"
    return _shape(bare)


def _zero(phone: str, bare: str) -> str | None:
    if phone != bare and _TRUNK_ZERO.search(phone):
        return "it has a bracketed zero that may or may not be part of the number"
    country = _COUNTRY.match(bare)
    if country and country[0] not in _KEEP_ZERO and bare[country.end() :].startswith("0"):
        return (
            f"the 0 after {country[0]} is dialled only within the country: leave it out, or "
            "write it as (0)"
        )
    return None


def _described(character: str) -> str:
    if character == "/":
        return "a slash, which may separate two numbers"
    return named(character) if not character.isalpha() else f"a letter, {named(character)}"


def _shape(bare: str) -> str:
    if bare.startswith("00"):
        return "it begins with 00, which is not the international prefix everywhere: use +"
    if not bare.startswith("+"):
        return "it does not begin with +"
    if "+" in bare[1:]:
        return "it has a second +"
    if bare.startswith("+0"):
        return "no country code begins with 0"
    return f"it has {len(bare) - 1} digits instead of 2 to 15"


def is_number(text: str) -> bool:
    """Return whether a string is a phone number, ignoring separators."""
    return _E164.fullmatch(_BETWEEN.sub("", text)) is not None


def phone_with(wanted: str, user: User) -> UserPhone:
    """Return the user's phone with a number; if several have it, the primary one.

    Args:
        wanted: the number, as number() returns it.
        user: the user.

    Raises:
        PhoneNotFoundError: no phone has it, or several do and none of them is primary.
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
        others = "use set_primary with an identifier_id"
    return PhoneNotFoundError(
        f"phones.set_primary_by_number: {found} {_ending(wanted)}: {others}; nothing was changed",
        endings=endings,
    )


def _bare(phone: UserPhone) -> str:
    return _BETWEEN.sub("", phone.phone or "")


def _ending(bare: str) -> str:
    return f"…{bare[-4:]}" if len(bare) > _SHORTEST_SHOWN else "…"
