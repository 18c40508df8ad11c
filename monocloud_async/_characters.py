"""Characters that nobody sees: what copying from a page, a document or contacts brings along."""

from __future__ import annotations

import re

# Category Cf, and what shows nothing though it counts as a letter or a mark; written out, so that
# every Python has the same.
_NOTHING = (
    "\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# They look like the plain blank, or like the end of a line.
_BLANKS = "\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u2800\u3000"
# What may stand around a value without being part of it. U+202E is not among them: it turns what
# follows around, so what is read is not what was seen.
ENDS = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\u00a0\u00ad\u061c\u1680\u180e\u2000\u2001\u2002\u2003\u2004"
    "\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b"
    "\u202c\u202d\u202f\u205f\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\u2800\u3000"
    "\u3164\ufeff"
)

UNSEEN = re.compile(f"[{_NOTHING}{_BLANKS}]")


def trimmed(text: str) -> str:
    """Return a text without the blanks and the unseen characters around it."""
    return text.strip() if text.isascii() else text.strip(ENDS)


def named(character: str) -> str:
    """Return what a character is called, such as ``U+200B ZERO WIDTH SPACE``."""
    # Only a message needs the names, which take a while to load.
    import unicodedata

    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()
