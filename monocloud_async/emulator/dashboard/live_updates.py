"""Live updates: streams new requests as Server-Sent Events."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator, Mapping

from aiohttp import web

from ..request_log import RecordedRequest
from ..service import Service
from .paths import number_in, path_of
from .request_rows import SHOWN, outcome, rows

PATH = path_of("events")
# Seconds between two checks of the log; requests in between are sent together.
_LOOK = 0.1
# After this many checks without news, a comment finds out whether the browser is still there.
_SILENT_LOOKS = 100


async def stream(
    service: Service, request: web.BaseRequest, headers: Mapping[str, str]
) -> web.StreamResponse:
    """Send new requests until the browser disconnects.

    Args:
        service: the emulator's state.
        request: the browser's request; its ``Last-Event-ID`` or parameter ``after`` is the last
            event that the browser has received.
        headers: the headers of every response of the dashboard.
    """
    response = web.StreamResponse(headers={**headers, "Content-Type": "text/event-stream"})
    after = request.headers.get("Last-Event-ID") or request.query.get("after", "")
    # A browser may disconnect at any time.
    with contextlib.suppress(ConnectionError):
        await response.prepare(request)
        await _send(response, Feed(service, after))
    return response


class Feed:
    """The events that a browser has not received yet.

    Args:
        service: the emulator's state.
        after: the last event that the browser has received.
    """

    def __init__(self, service: Service, after: str) -> None:
        self._service = service
        self._period, _, number = after.partition(".")
        self._number = number_in(number) or 0
        self._state = self._now()

    def news(self) -> Iterator[str]:
        """Yield the events that are due."""
        log = self._service.log
        if log.period != self._period:
            self._period, self._number = log.period, log.counts().requests
            self._state = self._now()
            yield self._event("reset", {})
        if new := log.since(self._number)[:SHOWN]:
            self._number = new[0].number
            update = {"rows": rows(self._service, new), "announcement": _announcement(new)}
            yield self._event("requests", update)
        state = self._now()
        if state != self._state:
            self._state = state
            yield self._event("changed", {})

    def _now(self) -> object:
        service = self._service
        faults = [(fault, service.faults.struck(fault)) for fault in service.faults]
        return service.log.counts(), service.tenant.version, faults, service.rate_limit

    def _event(self, name: str, data: Mapping[str, str]) -> str:
        return f"id: {self._period}.{self._number}\nevent: {name}\ndata: {json.dumps(data)}\n\n"


async def _send(response: web.StreamResponse, feed: Feed) -> None:
    await response.write(b"retry: 1000\n\n")
    silent = 0
    while True:
        for event in feed.news():
            await response.write(event.encode(errors="backslashreplace"))
            silent = 0
        silent += 1
        if silent > _SILENT_LOOKS:
            await response.write(b": still here\n\n")
            silent = 0
        await asyncio.sleep(_LOOK)


def _announcement(new: list[RecordedRequest]) -> str:
    last = new[0]
    description = f"{last.operation or 'unknown operation'}, {outcome(last)[0]}"
    return description if len(new) == 1 else f"{len(new)} new requests, the last one: {description}"
