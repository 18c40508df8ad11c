"""The rows of an input: checked as a whole first, then read again as they are sent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from ... import _phone_number
from ..._address import segment
from ...errors import ConfigurationError, InvalidArgumentError
from .columns import BrokenInputError, By, Cells, Mistake
from .content import Content
from .formats import read

MOST_MISTAKES = 20
_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]+")


class Row(NamedTuple):
    """One row.

    Attributes:
        number: which of the rows it is, 1 for the first.
        line: the line that it begins in.
        user_id: the user's id.
        phone: the phone's identifier id or its number; the input's ``by`` says which.
    """

    number: int
    line: int
    user_id: str
    phone: str


class MistakesError(ConfigurationError):
    """An input has mistakes.

    Attributes:
        mistakes: the first of them, up to ``MOST_MISTAKES``.
    """

    def __init__(self, name: str, mistakes: Sequence[Mistake], *, more: bool) -> None:
        super().__init__(name)
        self.name = name
        self.mistakes = mistakes
        self.more = more

    def __str__(self) -> str:
        count = f"more than {len(self.mistakes)}" if self.more else str(len(self.mistakes))
        noun, them = ("mistake", "it") if count == "1" else ("mistakes", "them")
        return f"{self.name} has {count} {noun}; nothing was sent: correct {them}, and start again"


class Input:
    """An input that was read to its end, and found to be in order.

    Args:
        content: its bytes.

    Attributes:
        by: what names a phone in it, its identifier id or its number.
        count: how many rows it has.

    Raises:
        MistakesError: what is wrong with it.
    """

    def __init__(self, content: Content) -> None:
        self.content = content
        self.by: By = "identifier"
        self.count: int = 0
        mistakes = list(islice(self._mistakes(), MOST_MISTAKES + 1))
        if mistakes:
            more = len(mistakes) > MOST_MISTAKES
            raise MistakesError(content.name, mistakes[:MOST_MISTAKES], more=more)

    def rows(self) -> Iterator[Row]:
        """Return the rows, read from the file as they are asked for.

        Raises:
            InputChangedError: the file is not what was checked.
        """
        _, records = read(self.content)
        for number, cells in enumerate(records, 1):
            if isinstance(cells, Cells):
                yield Row(number, *cells)

    def _mistakes(self) -> Iterator[Mistake]:
        try:
            self.by, records = read(self.content)
            for item in records:
                self.count += 1
                if mistake := _mistake(item, self.by):
                    yield mistake
        except BrokenInputError as error:
            yield error.mistake


def _mistake(item: Cells | Mistake, by: By) -> Mistake | None:
    if isinstance(item, Mistake):
        return item
    line, user_id, phone = item
    if _PLAIN_ID.fullmatch(user_id) and by == "identifier" and _PLAIN_ID.fullmatch(phone):
        return None
    try:
        segment("user_id", user_id)
        if by == "identifier":
            segment("identifier_id", phone)
        else:
            _phone_number.number(phone)
    except InvalidArgumentError as error:
        return Mistake(line, str(error).removesuffix("; nothing was sent"))
    return None
