"""Request bodies as JSON, and response bodies as received.

A response is read in chunks, so a compression bomb cannot exhaust memory.
"""

from __future__ import annotations

import json
import zlib
from typing import Any, Protocol

import aiohttp

from ..errors import InvalidArgumentError

MAX_BODY = 16 * 1024 * 1024
# Asked for explicitly: aiohttp would add every codec that happens to be installed, and some of
# its versions decompress without a limit.
ACCEPT_ENCODING = "gzip, deflate"
# A gzip stream may consist of several members; each costs time, even an empty one.
_MOST_MEMBERS = 100
_KEPT_OF_UNREADABLE = 4096


_encode = json.JSONEncoder(allow_nan=False).encode


class JSONBody(bytes):
    """JSON to send; its repr is masked, because it may hold a password and show up in frames.

    Slices and joined copies of it are plain bytes.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "JSONBody(***)"

    def payload(self) -> aiohttp.BytesPayload:
        """Return the payload for aiohttp."""
        return aiohttp.BytesPayload(self, content_type="application/json")


def json_body(value: object) -> JSONBody | None:
    """Return a value as JSON; None stays None.

    Raises:
        InvalidArgumentError: JSON cannot represent the value, or it contains itself.
    """
    if value is None or isinstance(value, JSONBody):
        return value
    try:
        return JSONBody(_encode(value).encode())
    except (TypeError, ValueError, RecursionError) as error:
        why = str(error)
    # Keep the value, which may hold secrets, out of this frame's variables.
    del value
    raise InvalidArgumentError(f"the body cannot be sent as JSON: {why}; nothing was sent")


class Stream(Protocol):
    """The stream that a body is read from."""

    async def readany(self) -> bytes: ...
    def at_eof(self) -> bool: ...


async def read(stream: Stream, coding: str) -> tuple[bytes, str]:
    """Return a response's body, decompressed, and why it is unreadable, or "".

    Of an unreadable body, only the first bytes are returned.

    Args:
        stream: the stream to read from.
        coding: the response's ``Content-Encoding``.
    """
    codec = _codec(coding) if coding else None
    if codec is None:
        # Usually, all of it is already there in one piece.
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
            return _unreadable(body, "its compressed content is truncated")
    except zlib.error:
        return _unreadable(body, "it cannot be decompressed")
    return bytes(body), ""


def _unreadable(body: bytearray, why: str) -> tuple[bytes, str]:
    return bytes(body[:_KEPT_OF_UNREADABLE]), why


def _codec(coding: str) -> _Codec | None:
    """Return the decompressor for a content coding, or None for an unknown coding or none."""
    name = coding.strip().lower()
    if name in ("gzip", "x-gzip"):
        return _Codec(16 + zlib.MAX_WBITS)
    return _Codec() if name == "deflate" else None


class _Codec:
    """Decompresses a body chunk by chunk, with a limit on each result."""

    def __init__(self, window: int | None = None) -> None:
        self._window = window
        self._members = 0
        self._member: Any = None
        self.broke_off = False

    def decompress(self, piece: bytes, room: int) -> bytes:
        """Return the decompressed content of a chunk, up to a limit.

        Args:
            piece: compressed bytes.
            room: the maximum number of bytes to return; more than 0.
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
            # Deflate should have a zlib header, but some servers send it raw.
            self._window = zlib.MAX_WBITS if piece[0] & 0x0F == 8 else -zlib.MAX_WBITS
        return zlib.decompressobj(self._window)
