"""Digests of the identifiers of staged rows, by which rows of the same user are found.

No identifier can be guessed from a digest without the job's key, and the digests are removed with
the staged rows.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from itertools import accumulate

import attrs

from .storage import Storage

SLOTS = 256
KINDS = ("email", "phone_number", "username")
# The digest, the row's line and the kind of identifier.
_FORMAT = struct.Struct(">8sQB")
SIZE = _FORMAT.size
_MOST_BYTES = 32 * 1024 * 1024


@attrs.frozen
class Identifiers:
    """Digests in one object, grouped by slot.

    Attributes:
        path: the object's path in the journal.
        ends: the end of each slot in bytes; slots have no gaps between them.
    """

    path: str
    ends: tuple[int, ...]


class IdentifierWriter:
    """Writes the digests of a piece.

    Args:
        storage: the journal's storage.
        piece: the piece's number.
        key: the hexadecimal key of the digests.
    """

    def __init__(self, storage: Storage, piece: int, key: str, directory: str) -> None:
        self._storage = storage
        self._directory = directory
        self._piece = piece
        self._key = bytes.fromhex(key)
        self._slots = [bytearray() for _ in range(SLOTS)]
        self._size = 0
        self._written: list[Identifiers] = []

    def add(self, tenant: int, line: int, identifiers: Iterable[tuple[str, str]]) -> None:
        """Add the identifiers of a row."""
        for kind, value in identifiers:
            identifier = f"{tenant}:{kind}:{value.casefold()}".encode()
            digest = hashlib.blake2b(identifier, digest_size=8, key=self._key).digest()
            self._slots[digest[0]] += _FORMAT.pack(digest, line, KINDS.index(kind))
            self._size += SIZE
        if self._size >= _MOST_BYTES:
            self._flush()

    def end(self) -> tuple[Identifiers, ...]:
        """Write the remaining digests, and return where all are."""
        if self._size:
            self._flush()
        return tuple(self._written)

    def undo(self) -> None:
        """Remove what was written."""
        for one in self._written:
            self._storage.remove(one.path)

    def _flush(self) -> None:
        path = f"{self._directory}/{self._piece:05}.{len(self._written):03}.identifiers"
        ends = tuple(accumulate(map(len, self._slots)))
        self._storage.write(path, b"".join(self._slots))
        self._written.append(Identifiers(path, ends))
        self._slots = [bytearray() for _ in range(SLOTS)]
        self._size = 0
