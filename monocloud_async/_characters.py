"""Invisible characters, which get copied along from web pages, documents and contacts."""

from __future__ import annotations

import re

# Category Cf, and letters and marks that display as nothing. Written out, so that the result does
# not depend on the Python version.
_NOTHING = (
    "\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Characters that look like a space or a line break.
_BLANKS = "\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u2800\u3000"
# Characters to strip from the ends of a value. U+202E is not one of them: it reverses the text
# that follows, so what was seen is not what is read.
ENDS = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\u00a0\u00ad\u061c\u1680\u180e\u2000\u2001\u2002\u2003\u2004"
    "\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b"
    "\u202c\u202d\u202f\u205f\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\u2800\u3000"
    "\u3164\ufeff"
)

UNSEEN = re.compile(f"[{_NOTHING}{_BLANKS}]")


def trimmed(text: str) -> str:
    """Return a string without leading and trailing spaces and invisible characters."""
    return text.strip() if text.isascii() else text.strip(ENDS)


def named(character: str) -> str:
    """Return a character's name, such as ``U+200B ZERO WIDTH SPACE``."""
    # Imported here because only messages need it, and it loads slowly.
    import unicodedata

    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()
