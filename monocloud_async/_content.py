"""The body of an answer, read piece by piece, so that a compressed flood cannot fill memory."""

from __future__ import annotations

import zlib
from typing import Any, Protocol

MAX_BODY = 16 * 1024 * 1024
# What is asked for. aiohttp would add whatever else happens to be installed, and some of its
# versions decompress whatever comes, however much that makes.
ACCEPT_ENCODING = "gzip, deflate"
# A file may consist of several compressed ones; each makes work, even where it is empty.
_MOST_MEMBERS = 100
_KEPT_OF_UNREADABLE = 4096


class Stream(Protocol):
    """What a body is read from."""

    async def readany(self) -> bytes: ...
    def at_eof(self) -> bool: ...


async def read(stream: Stream, coding: str) -> tuple[bytes, str]:
    """Return the body of an answer, decompressed, and why it cannot be read: nothing if it can.

    Of what cannot be read there are the first bytes only.

    Args:
        stream: where its bytes come from.
        coding: the answer's ``Content-Encoding``.
    """
    codec = _codec(coding) if coding else None
    if codec is None:
        # As a rule it is all there, in one piece.
        first = await stream.readany()
        if stream.at_eof():
            return first, ""
    else:
        first = b""
    body = bytearray(first)
    try:
        while not stream.at_eof():
            piece = await stream.readany()
            room = MAX_BODY + 1 - len(body)
            body += codec.decompress(piece, room) if codec else piece[:room]
            if len(body) > MAX_BODY:
                return _unreadable(body, f"it is longer than {MAX_BODY // 1024 // 1024} MiB")
        if codec and codec.broke_off:
            return _unreadable(body, "its compressed content breaks off")
    except zlib.error:
        return _unreadable(body, "it cannot be decompressed")
    return bytes(body), ""


def _unreadable(body: bytearray, flaw: str) -> tuple[bytes, str]:
    return bytes(body[:_KEPT_OF_UNREADABLE]), flaw


def _codec(coding: str) -> _Codec | None:
    """Return what undoes a coding; none where there is none, or none that is known."""
    name = coding.strip().lower()
    if name in ("gzip", "x-gzip"):
        return _Codec(16 + zlib.MAX_WBITS)
    return _Codec() if name == "deflate" else None


class _Codec:
    """Decompresses a body that comes in pieces, each into no more than there is room for."""

    def __init__(self, window: int | None = None) -> None:
        self._window = window
        self._members = 0
        self._member: Any = None
        self.broke_off = False

    def decompress(self, piece: bytes, room: int) -> bytes:
        """Return what a piece holds, up to some bytes.

        Args:
            piece: compressed bytes.
            room: the most bytes to return; more than 0.
        """
        out = b""
        while piece and len(out) < room:
            member = self._member or self._next(piece)
            out += member.decompress(piece, room - len(out))
            piece = member.unused_data
            self._member = None if member.eof else member
            self.broke_off = not member.eof
        return out

    def _next(self, piece: bytes) -> Any:
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise zlib.error("too many members")
        if self._window is None:
            # Deflate comes with the zlib header that is due, or bare, as some servers have it.
            self._window = zlib.MAX_WBITS if piece[0] & 0x0F == 8 else -zlib.MAX_WBITS
        return zlib.decompressobj(self._window)
