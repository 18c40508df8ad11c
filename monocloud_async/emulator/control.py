"""The control API under /_emulator: faults, recorded requests, the seed and a reset."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from aiohttp import web

from .._json import parse
from ..errors import ConfigurationError
from .fault import Fault
from .peers import is_local
from .problems import ProblemError, bad_request, new_trace_id, not_found, wrong_method
from .rate_limit import RateLimit
from .reply import Reply, problem_reply
from .seed import document_seed
from .service import Received, Service

PREFIX = "/_emulator"
HEALTH = f"{PREFIX}/health"
Action = Callable[[Service, Received], Any]


def is_control(path: str) -> bool:
    """Return whether a path is one of the emulator's own."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def control(service: Service, received: Received, *, open_to_all: bool) -> Reply:
    """Carry out a control request, and return the reply.

    Args:
        service: the emulator's state.
        received: the request; it needs no API key.
        open_to_all: whether programs on other machines may send it too.
    """
    if received.path == HEALTH and received.request.method in ("GET", "HEAD"):
        # It reveals nothing that others could not learn by connecting.
        return _json_reply({"status": "ok"})
    try:
        refuse_strangers(received.request, open_to_all=open_to_all)
        document = _action(received)(service, received)
    except ConfigurationError as error:
        return _refused(bad_request(f"{error}"), received)
    except ProblemError as problem:
        return _refused(problem, received)
    return _json_reply(document)


def _json_reply(document: object) -> Reply:
    return Reply(200, {"Content-Type": "application/json"}, json.dumps(document).encode())


def _action(received: Received) -> Action:
    if received.flaw is not None:
        raise received.flaw
    actions = _ACTIONS.get(received.path.removeprefix(PREFIX))
    if actions is None:
        paths = ", ".join(f"{PREFIX}{path}" for path in _ACTIONS)
        raise not_found(f"The path does not exist; the paths are {paths}.")
    if received.request.method not in actions:
        raise wrong_method(received.request.method, actions)
    return actions[received.request.method]


def refuse_strangers(request: web.BaseRequest, *, open_to_all: bool) -> None:
    """Refuse requests from other machines, and from web pages open in a browser on this one.

    Raises:
        ProblemError: 403 for such a request.
    """
    if "Origin" in request.headers or not (open_to_all or is_local(request)):
        raise ProblemError(403, "Only programs on this machine may use this path, not web pages.")


def _refused(problem: ProblemError, received: Received) -> Reply:
    return problem_reply(problem, received.path, new_trace_id(), {})


def _state(service: Service, _: Received) -> object:
    limit = service.rate_limit
    return {
        "counts": service.log.counts().to_dict(),
        "faults": [
            {"fault": fault.to_dict(), "struck": service.faults.struck(fault)}
            for fault in service.faults
        ],
        "rate_limit": limit.to_dict() if limit else None,
    }


def _requests(service: Service, _: Received) -> object:
    return [request.to_dict() for request in list(service.log.requests)]


def _users(service: Service, _: Received) -> object:
    return service.tenant.export()


def _reset(service: Service, received: Received) -> object:
    service.reset()
    return _state(service, received)


def _add_faults(service: Service, received: Received) -> object:
    document = _json(received)
    documents = cast("list[object]", document) if isinstance(document, list) else [document]
    service.faults.add(*(Fault.from_dict(fault) for fault in documents))
    return _state(service, received)


def _clear_faults(service: Service, received: Received) -> object:
    service.faults.clear()
    return _state(service, received)


def _set_rate_limit(service: Service, received: Received) -> object:
    service.rate_limit = RateLimit.from_dict(_json(received))
    return _state(service, received)


def _lift_rate_limit(service: Service, received: Received) -> object:
    service.rate_limit = None
    return _state(service, received)


def _seed(service: Service, received: Received) -> object:
    service.tenant.begin_with(document_seed(_json(received)))
    return _state(service, received)


def _json(received: Received) -> object:
    try:
        return parse(received.body)
    except (ValueError, RecursionError):
        raise bad_request("The body is not JSON.") from None


_ACTIONS: Mapping[str, Mapping[str, Action]] = {
    "": {"GET": _state},
    "/requests": {"GET": _requests},
    "/users": {"GET": _users},
    "/faults": {"POST": _add_faults, "DELETE": _clear_faults},
    "/rate-limit": {"PUT": _set_rate_limit, "DELETE": _lift_rate_limit},
    "/reset": {"POST": _reset},
    "/seed": {"PUT": _seed},
}
