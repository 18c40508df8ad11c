"""The paths under /_emulator: what goes wrong, what was asked, and back to the beginning."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web

from .._json import parse
from ..errors import ConfigurationError
from .delivery import Answer, problem_answer
from .fault import Fault
from .problems import ProblemError, bad_request, new_trace_id, not_found, wrong_method
from .rate_limit import RateLimit
from .service import Asked

if TYPE_CHECKING:
    from .server import Emulator

PREFIX = "/_emulator"
_LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?")
Handler = Callable[["Emulator", Asked], Any]


def is_control(path: str) -> bool:
    """Return whether a path is one of the emulator's own."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def control(emulator: Emulator, asked: Asked) -> Answer:
    """Do what a control request says, and return its answer.

    Args:
        emulator: what it is about.
        asked: the request; it needs no API key.
    """
    try:
        document = _handler(asked)(emulator, asked)
    except ConfigurationError as error:
        return _refused(bad_request(f"{error}"), asked)
    except ProblemError as problem:
        return _refused(problem, asked)
    return Answer(200, {"Content-Type": "application/json"}, json.dumps(document).encode())


def _handler(asked: Asked) -> Handler:
    _refuse_web_pages(asked.request)
    if asked.flaw is not None:
        raise asked.flaw
    handlers = _HANDLERS.get(asked.path.removeprefix(PREFIX))
    if handlers is None:
        paths = ", ".join(f"{PREFIX}{path}" for path in _HANDLERS)
        raise not_found(f"There is no such path, only {paths}.")
    if asked.request.method not in handlers:
        raise wrong_method(asked.request.method, handlers)
    return handlers[asked.request.method]


def _refuse_web_pages(request: web.BaseRequest) -> None:
    """A page in a browser of this machine may send requests here, and is to have no say."""
    if "Origin" in request.headers or not _LOOPBACK.fullmatch(request.headers.get("Host", "")):
        raise ProblemError(403, "Only programs of this machine, no web pages, have a say here.")


def _refused(problem: ProblemError, asked: Asked) -> Answer:
    return problem_answer(problem, asked.path, new_trace_id(), {})


def _state(emulator: Emulator, _: Asked) -> object:
    limit = emulator.rate_limit
    return {
        "counts": emulator.counts.to_dict(),
        "faults": [
            {"fault": fault.to_dict(), "struck": emulator.faults.struck(fault)}
            for fault in emulator.faults
        ],
        "rate_limit": limit.to_dict() if limit else None,
    }


def _requests(emulator: Emulator, _: Asked) -> object:
    return [request.to_dict() for request in list(emulator.requests)]


def _users(emulator: Emulator, _: Asked) -> object:
    return emulator.export()


def _reset(emulator: Emulator, asked: Asked) -> object:
    emulator.reset()
    return _state(emulator, asked)


def _add_faults(emulator: Emulator, asked: Asked) -> object:
    document = _json(asked)
    documents = cast("list[object]", document) if isinstance(document, list) else [document]
    emulator.faults.add(*(Fault.from_dict(fault) for fault in documents))
    return _state(emulator, asked)


def _clear_faults(emulator: Emulator, asked: Asked) -> object:
    emulator.faults.clear()
    return _state(emulator, asked)


def _set_rate_limit(emulator: Emulator, asked: Asked) -> object:
    emulator.rate_limit = RateLimit.from_dict(_json(asked))
    return _state(emulator, asked)


def _lift_rate_limit(emulator: Emulator, asked: Asked) -> object:
    emulator.rate_limit = None
    return _state(emulator, asked)


def _json(asked: Asked) -> object:
    try:
        return parse(asked.body)
    except (ValueError, RecursionError):
        raise bad_request("The body is no JSON.") from None


_HANDLERS: Mapping[str, Mapping[str, Handler]] = {
    "": {"GET": _state},
    "/requests": {"GET": _requests},
    "/users": {"GET": _users},
    "/faults": {"POST": _add_faults, "DELETE": _clear_faults},
    "/rate-limit": {"PUT": _set_rate_limit, "DELETE": _lift_rate_limit},
    "/reset": {"POST": _reset},
}
