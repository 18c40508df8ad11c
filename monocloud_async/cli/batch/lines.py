"""Decode an input's lines from UTF-8, and name other encodings in errors."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from .columns import BrokenInputError
from .content import MAX_LINE, LineTooLongError

_SAVE = "save it as 'CSV UTF-8'"
_MARKS = {
    codecs.BOM_UTF32_LE: "the file is UTF-32",
    codecs.BOM_UTF16_LE: "the file is UTF-16, such as Excel's 'Unicode Text'",
    codecs.BOM_UTF16_BE: "the file is UTF-16, such as Excel's 'Unicode Text'",
    b"PK\x03\x04": "the file is an Excel workbook or another ZIP file",
    b"\xd0\xcf\x11\xe0": "the file is an old Excel workbook",
}


class Lines(Iterator[str]):
    """Lines as text; ``number`` is the number of the last line read."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self.number: int = 0

    def __next__(self) -> str:
        try:
            raw = next(self._lines)
        except LineTooLongError:
            message = f"the line is longer than {MAX_LINE // 1024} KiB"
            raise BrokenInputError(self.number + 1, message) from None
        self.number += 1
        if self.number == 1:
            raw = raw.removeprefix(codecs.BOM_UTF8)
            for mark, kind in _MARKS.items():
                if raw.startswith(mark):
                    raise BrokenInputError(1, f"{kind}: {_SAVE}")
        # ASCII text in UTF-16 has a zero in at least every other byte.
        if b"\0" in raw and raw.count(0) * 3 > len(raw):
            raise BrokenInputError(self.number, f"the file is UTF-16 or UTF-32: {_SAVE}")
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            byte = f"byte 0x{raw[error.start]:02X} after {error.start} others"
            message = (
                f"the line is not UTF-8 ({byte}): {_SAVE}, or convert it, as with iconv -f CP1252"
            )
            raise BrokenInputError(self.number, f"{message} -t UTF-8") from None
