"""A secret as text: what sends it can read it, and what shows it cannot."""

from __future__ import annotations

import re
from typing import Any, SupportsIndex

# Anything shorter protects nothing, and may be a part of words that mean something else.
_LEAST_MASKED = 8


# The arguments of methods that are secrets.
SECRET_ARGUMENTS = frozenset(
    {"password", "password_hash", "old_password", "new_password", "new_password_hash"}
)


# What stands for a secret that is not a string; it cannot be one.
NOT_TEXT = "\0"


class Secret(str):
    """A string whose repr, and so every local variable or container that is shown, is masked.

    It is a str because aiohttp's frames have the headers among their locals too: whatever shows
    those, on an error or an interrupt within aiohttp, shows what is in them by its repr.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"

    def __getitem__(self, index: SupportsIndex | slice) -> Secret:
        # What shows long strings cuts them first.
        return Secret(super().__getitem__(index))

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        raise TypeError("a secret is not pickled")

    def __copy__(self) -> Secret:
        # What records, signs or traces requests copies their headers.
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def masked_in(self, text: str) -> str:
        """Return a text of somebody else's without this secret, JSON's escapes of it included."""
        if len(self) < _LEAST_MASKED:
            return text
        text = text.replace(self, "***")
        return _escaped(self).sub("***", text) if "\\" in text else text


def _escaped(secret: Secret) -> re.Pattern[str]:
    """Return what finds a secret in JSON whose writer escapes more than it must."""
    ways = (rf"(?:{re.escape(c)}|\\{re.escape(c)}|(?i:\\u{ord(c):04x}))" for c in secret)
    return re.compile("".join(ways))


def concealed(value: object) -> Secret | None:
    """Return an argument that is meant to be a secret, None as None.

    A function that takes a secret does this first: an error that it raises holds its arguments.
    Anything but a string becomes one that cannot be any secret.
    """
    if value is None:
        return None
    return Secret(value if isinstance(value, str) else NOT_TEXT)
