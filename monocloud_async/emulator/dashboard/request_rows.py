"""The requests as rows of a table, newest first."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from http.client import responses

from ..request_log import RecordedRequest
from ..service import Service
from .fault_list import effect
from .markup import Html, join, tag
from .paths import path_of

SHOWN = 200
_HEADINGS = ("Time", "Request", "Status", "Attempt", "Fault", "Executed")


def request_table(service: Service) -> Html:
    """Return the last requests as a table."""
    log = service.log
    requests = log.since(0)[:SHOWN]
    last = requests[0].number if requests else log.counts().requests
    heads = (tag("th", heading, scope="col") for heading in _HEADINGS)
    body = tag(
        "tbody",
        rows(service, requests),
        id="request-rows",
        data_after=f"{log.period}.{last}",
        data_shown=SHOWN,
    )
    caption = tag("caption", "Requests, newest first", class_="unseen")
    table = tag("table", caption, tag("thead", tag("tr", *heads)), body)
    # A part that scrolls has to be reachable with the keyboard.
    return tag(
        "div", table, class_="scrolls tall", tabindex=0, role="region", aria_label="Request list"
    )


def rows(service: Service, requests: Iterable[RecordedRequest]) -> Html:
    """Return the rows of some requests; the API key is masked wherever it occurs."""
    return join(*(_row(service, request) for request in requests))


def masked(service: Service, text: str) -> str:
    """Return a text with the API key masked."""
    return _key_pattern(service.api_key).sub("***", text)


@lru_cache
def _key_pattern(key: str) -> re.Pattern[str]:
    """Return a pattern that finds the key as text, within JSON, and within a URL."""
    return re.compile("".join(map(_ways, key)))


def _ways(character: str) -> str:
    ways = {character, json.dumps(character)[1:-1], f"\\{character}"}
    encoded = "".join(f"%{byte:02x}" for byte in character.encode(errors="replace"))
    escaped = f"\\u{ord(character):04x}"
    plain = "|".join(map(re.escape, sorted(ways, key=len, reverse=True)))
    return f"(?:{plain}|(?i:{re.escape(encoded)}|{re.escape(escaped)}))"


def outcome(request: RecordedRequest) -> tuple[str, str]:
    """Return the status of a request as text, and its CSS class."""
    status = request.status
    if status is None:
        return "no response", "broken"
    css_class = {2: "good", 3: "other", 4: "refused"}.get(status // 100, "broken")
    return f"{status} {responses.get(status, '')}".rstrip(), css_class


def _row(service: Service, request: RecordedRequest) -> Html:
    text, css_class = outcome(request)
    when = request.received_at.astimezone()
    attempt = str(request.attempt)
    again = "resent" if request.attempt > 1 else None
    return tag(
        "tr",
        tag("td", tag("time", f"{when:%H:%M:%S}", datetime=when.isoformat())),
        tag("td", *_request_cells(service, request)),
        tag("td", tag("span", text, class_=f"status {css_class}")),
        tag("td", attempt, class_=again),
        tag("td", effect(request.fault) if request.fault else "–"),
        tag("td", "yes" if request.executed else "no"),
        id=f"request-{request.number}",
    )


def _request_cells(service: Service, request: RecordedRequest) -> tuple[Html, Html]:
    unseen = tag("span", f", details of request {request.number}", class_="unseen")
    name = request.operation or "unknown operation"
    path = path_of(f"requests/{request.number}")
    link = tag("a", name, unseen, href=path, class_="details")
    return link, tag("code", tag("b", request.method), " ", masked(service, request.path))
