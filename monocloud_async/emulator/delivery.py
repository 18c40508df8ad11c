"""Send a response: complete, late, in pieces, in part, or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import zlib
from collections.abc import Mapping

import attrs
from aiohttp import web

from .fault import Fault
from .listener import reset
from .problems import faulted
from .reply import Reply, problem_reply

_PIECES = 20
_GARBAGE = b"\x16\x03\x01\x00\xee This is not HTTP.\r\n\r\n\xff\xfe\x00"
_PAGE = b"<!doctype html>\n<html><head><title>Sign in</title></head><body>Welcome!</body></html>\n"
_MIB = 1024 * 1024
_FLOOD_MIB = 256
_GZIP = zlib.MAX_WBITS | 16


def distorted(reply: Reply, fault: Fault, path: str, trace_id: str) -> Reply:
    """Apply a fault to a response.

    Args:
        reply: the normal response.
        fault: the fault; it does not break the connection.
        path: the requested path.
        trace_id: this exchange's trace id.
    """
    if fault.status is not None and fault.status >= 300:
        reply = problem_reply(faulted(fault.status), path, trace_id, fault.problem)
    elif fault.status is not None and reply.status < 300:
        reply = attrs.evolve(reply, status=fault.status)
    if fault.body in ("html", "flood") and reply.status == 204:
        reply = attrs.evolve(reply, status=200)
    if fault.body == "html":
        reply = _with_body(reply, _PAGE, {"Content-Type": "text/html; charset=utf-8"})
    elif fault.body == "flood":
        reply = _with_body(reply, _flood(), {"Content-Encoding": "gzip"})
    return _with_body(reply, reply.body, fault.headers)


async def deliver(
    request: web.BaseRequest, reply: Reply, fault: Fault | None
) -> web.StreamResponse:
    """Send a response, subject to a fault, and return what was sent.

    Args:
        request: the request.
        reply: the response.
        fault: the fault to apply while sending, if any.
    """
    if fault is None:
        return _whole(reply)
    await asyncio.sleep(fault.delay)
    if fault.breaks or fault.body == "garbage":
        return _broken(request, fault)
    if fault.body_delay or fault.drip or fault.body == "truncated":
        return await _in_pieces(request, reply, fault)
    return _whole(reply)


def _whole(reply: Reply) -> web.Response:
    return web.Response(status=reply.status, headers=reply.headers, body=reply.body)


def _broken(request: web.BaseRequest, fault: Fault) -> web.Response:
    transport = request.transport
    if fault.connection == "reset" or fault.outage:
        reset(transport)
    elif transport is not None:
        if fault.body == "garbage":
            transport.write(_GARBAGE)
        transport.close()
    # The connection is gone.
    return web.Response()


async def _in_pieces(request: web.BaseRequest, reply: Reply, fault: Fault) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    response.content_length = len(reply.body)
    # The client may disconnect before the end.
    with contextlib.suppress(ConnectionError):
        await response.prepare(request)
        await asyncio.sleep(fault.body_delay)
        await _write(response, reply.body, fault)
    if fault.body == "truncated" and request.transport is not None:
        request.transport.close()
    return response


async def _write(response: web.StreamResponse, body: bytes, fault: Fault) -> None:
    if fault.body == "truncated":
        body = body[: len(body) // 2]
    size = max(1, math.ceil(len(body) / _PIECES)) if fault.drip else len(body)
    for start in range(0, len(body), size):
        await response.write(body[start : start + size])
        await asyncio.sleep(fault.drip / _PIECES)


def _with_body(reply: Reply, body: bytes, headers: Mapping[str, str]) -> Reply:
    """Replace a response's body, and add or override headers."""
    new = {name.lower() for name in headers}
    others = {name: value for name, value in reply.headers.items() if name.lower() not in new}
    return Reply(reply.status, {**others, **headers}, body)


@functools.cache
def _flood() -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
    blank = b" " * _MIB
    return b"".join(packer.compress(blank) for _ in range(_FLOOD_MIB)) + packer.flush()
