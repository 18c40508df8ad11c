"""Secrets as strings: readable for the code that sends them, masked wherever they are displayed."""

from __future__ import annotations

import re
from typing import Any, SupportsIndex

# Masking anything shorter protects nothing, and could hit parts of ordinary words.
_LEAST_MASKED = 8


# The method arguments that are secrets.
SECRET_ARGUMENTS = frozenset(
    {"password", "password_hash", "old_password", "new_password", "new_password_hash"}
)


# Stands for a secret that is not a string; no real secret can equal it.
NOT_TEXT = "\0"


class Secret(str):
    """A string whose repr is masked, and so are local variables and containers that show it.

    It is a str because aiohttp's frames hold the headers as locals: a tool that dumps them, on
    an error or an interrupt inside aiohttp, shows them by repr.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"

    def __getitem__(self, index: SupportsIndex | slice) -> Secret:
        # Tools truncate long strings before showing them.
        return Secret(super().__getitem__(index))

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        raise TypeError("a secret cannot be pickled")

    def __copy__(self) -> Secret:
        # Tools that record, sign or trace requests copy their headers.
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def masked_in(self, text: str) -> str:
        """Return a text with this secret masked, including its JSON-escaped forms."""
        if len(self) < _LEAST_MASKED:
            return text
        text = text.replace(self, "***")
        return _escaped(self).sub("***", text) if "\\" in text else text


def _escaped(secret: Secret) -> re.Pattern[str]:
    """Return a pattern that finds a secret in JSON that escapes more than necessary."""
    ways = (rf"(?:{re.escape(c)}|\\{re.escape(c)}|(?i:\\u{ord(c):04x}))" for c in secret)
    return re.compile("".join(ways))


def concealed(value: object) -> Secret | None:
    """Return an argument as a Secret; None stays None.

    A function that takes a secret calls this first, because the traceback of an error holds its
    arguments. A value that is not a string becomes a Secret that equals no real one.
    """
    if value is None:
        return None
    return Secret(value if isinstance(value, str) else NOT_TEXT)
