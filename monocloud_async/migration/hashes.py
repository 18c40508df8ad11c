"""Password hashes: which of them MonoCloud can verify, and the names of the others."""

from __future__ import annotations

import re

_BCRYPT = re.compile(r"\$2[aby]\$(?:0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")
_KINDS = (
    ("$2x$", "bcrypt $2x$"),
    ("$argon2", "argon2"),
    ("$pbkdf2", "pbkdf2"),
    ("pbkdf2_", "pbkdf2"),
    ("$scrypt", "scrypt"),
    ("scrypt:", "scrypt"),
    ("$2", "incomplete bcrypt hash"),
    ("$1$", "md5"),
    ("$5$", "sha256"),
    ("$6$", "sha512"),
    ("$P$", "phpass"),
    ("$H$", "phpass"),
)


def is_bcrypt(text: str) -> bool:
    """Return whether a string is a complete ``$2a$``, ``$2b$`` or ``$2y$`` bcrypt hash.

    ``$2x$`` marks hashes of a broken implementation, which correct passwords do not match.
    """
    return _BCRYPT.fullmatch(text) is not None


def kind(text: str) -> str:
    """Return the probable algorithm of a hash, without revealing any of the hash."""
    for start, name in _KINDS:
        if text.startswith(start):
            return name
    return "unknown algorithm"
