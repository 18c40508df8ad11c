"""Bodies: JSON on its way out, and what comes back.

A response is read piece by piece, so that a compressed flood cannot fill memory.
"""

from __future__ import annotations

import json
import zlib
from typing import Any, Protocol

import aiohttp

from ..errors import InvalidArgumentError

MAX_BODY = 16 * 1024 * 1024
# What is asked for. aiohttp would add whatever else happens to be installed, and some of its
# versions decompress whatever comes, however much that makes.
ACCEPT_ENCODING = "gzip, deflate"
# A file may consist of several compressed ones; each makes work, even where it is empty.
_MOST_MEMBERS = 100
_KEPT_OF_UNREADABLE = 4096


_encode = json.JSONEncoder(allow_nan=False).encode


class JSONBody(bytes):
    """JSON as it is sent; it may hold a password, and no frame that has it as a variable shows it.

    Slices and joined copies of it are plain bytes.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "JSONBody(***)"

    def payload(self) -> aiohttp.BytesPayload:
        """Return what aiohttp sends."""
        return aiohttp.BytesPayload(self, content_type="application/json")


def json_body(value: object) -> JSONBody | None:
    """Return a value as JSON, None as None.

    Raises:
        InvalidArgumentError: JSON has no such type or number, or the value holds itself.
    """
    if value is None or isinstance(value, JSONBody):
        return value
    try:
        return JSONBody(_encode(value).encode())
    except (TypeError, ValueError, RecursionError) as error:
        why = str(error)
    # The encoder's frames have the value among their variables, and so would this one.
    del value
    raise InvalidArgumentError(f"the body cannot be sent as JSON: {why}; nothing was sent")


class Stream(Protocol):
    """What a body is read from."""

    async def readany(self) -> bytes: ...
    def at_eof(self) -> bool: ...


async def read(stream: Stream, coding: str) -> tuple[bytes, str]:
    """Return the body of a response, decompressed, and why it cannot be read: "" if it can.

    Of what cannot be read, only the first bytes are returned.

    Args:
        stream: where its bytes come from.
        coding: the response's ``Content-Encoding``.
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


def _unreadable(body: bytearray, why: str) -> tuple[bytes, str]:
    return bytes(body[:_KEPT_OF_UNREADABLE]), why


def _codec(coding: str) -> _Codec | None:
    """Return what undoes a coding, or None for an unknown coding or none."""
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
