"""One request with its headers and its body."""

from __future__ import annotations

import json

from ..._json import parse
from ..request_log import RecordedRequest
from ..service import Service
from .document import document
from .fault_list import summary
from .markup import Html, tag
from .page import View
from .paths import number_in
from .request_rows import masked, outcome

_PATH = "/requests/"


def details(view: View, path: str) -> Html | None:
    """Return the page of one request, or None if it is no longer kept.

    Args:
        view: the data for the page.
        path: the page's path, with the request's number at its end.
    """
    number = number_in(path.removeprefix(_PATH)) if path.startswith(_PATH) else None
    if number is None:
        return None
    for request in view.service.log.since(number - 1)[::-1][:1]:
        if request.number == number:
            return _page(view.service, request)
    return None


def _page(service: Service, request: RecordedRequest) -> Html:
    heading = tag("h1", f"Request {request.number}", id="request-heading")
    back = tag("p", tag("a", "All requests", href="/#requests"), class_="back")
    facts = {
        "Received": f"{request.received_at.astimezone():%Y-%m-%d %H:%M:%S.%f %Z}",
        "Operation": request.operation or "unknown",
        "Request": f"{request.method} {masked(service, request.path)}",
        "User": masked(service, request.user_id or "none"),
        "Status": outcome(request)[0],
        "Attempt": str(request.attempt),
        "Fault": summary(request.fault) if request.fault else "none",
        "Executed": "yes" if request.executed else "no",
    }
    headers = {name: masked(service, value) for name, value in request.headers.items()}
    article = tag(
        "article",
        heading,
        _list(facts),
        tag("h2", "Headers"),
        _list(headers),
        tag("h2", "Body"),
        tag("pre", masked(service, _body(request)) or "empty", tabindex=0),
        id="request-details",
    )
    main = tag("main", back, tag("section", article, class_="card"), id="main")
    return document(f"Request {request.number}", main)


def _list(facts: dict[str, str]) -> Html:
    rows = (tag("div", tag("dt", name), tag("dd", value)) for name, value in facts.items())
    return tag("dl", *rows)


def _body(request: RecordedRequest) -> str:
    try:
        return json.dumps(parse(request.body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return request.body.decode(errors="backslashreplace")
