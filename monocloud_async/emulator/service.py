"""Handle a request: read it, execute it, record it and choose the response."""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Callable

import attrs
from aiohttp import web

from .delivery import distorted
from .fault import Fault
from .faults import Faults
from .handlers import HANDLERS
from .problems import ProblemError, bad_request, broken, new_trace_id, unauthorized
from .rate_limit import RateLimit, TokenBucket
from .reply import Reply, problem_reply
from .request_log import RecordedRequest, RequestLog
from .routing import Match, find, no_match
from .tenant import Tenant

KEY_HEADER = "x-api-key"
_PASSWORD = re.compile(rb'("(?:old_|new_)?password(?:_hash)?"\s*:\s*)"(?:[^"\\]|\\.)*"?', re.DOTALL)
_log = logging.getLogger("monocloud.emulator")


@attrs.frozen(eq=False)
class Received:
    """A received request; ``flaw`` is why it could not be read completely."""

    request: web.BaseRequest
    path: str
    match: Match | None
    body: bytes = attrs.field(repr=False)
    flaw: ProblemError | None

    @property
    def operation(self) -> str | None:
        """The requested operation; None if unknown."""
        return self.match.operation.name if self.match else None

    @property
    def user_id(self) -> str | None:
        """The user that it concerns, if any."""
        return self.match.user_id if self.match else None


@attrs.define(eq=False)
class Service:
    """The tenant, with the checks in front of it and the record of requests.

    Attributes:
        tenant: the users and groups.
        api_key: the API key that requests must send.
        faults: the injected faults.
        log: records requests.
        clock: returns a monotonic time in seconds, for the rate limit.
        first_limit: the initial rate limit; None for no limit.
    """

    tenant: Tenant
    api_key: str = attrs.field(repr=False)
    faults: Faults
    log: RequestLog
    clock: Callable[[], float]
    first_limit: RateLimit | None
    _bucket: TokenBucket | None = attrs.field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self.rate_limit = self.first_limit

    @property
    def rate_limit(self) -> RateLimit | None:
        """The rate limit; setting it starts with a full burst."""
        return self._bucket.limit if self._bucket else None

    @rate_limit.setter
    def rate_limit(self, limit: RateLimit | None) -> None:
        self._bucket = TokenBucket(limit, self.clock) if limit else None

    def reset(self) -> None:
        """Restore the initial state."""
        self.tenant.reset()
        self.log.reset()
        self.faults.reset()
        self.rate_limit = self.first_limit

    def answer(self, received: Received) -> tuple[Reply, Fault | None]:
        """Execute and record a request, and return its response and the fault that hits it.

        Args:
            received: the request.
        """
        trace_id, headers = new_trace_id(), dict[str, str]()
        fault, executed = None, False
        try:
            if self._bucket is not None:
                headers = self._bucket.take()
            fault = self.faults.strike(received.operation, received.user_id)
            reply, executed = self._execute(received, carry_out=not fault or fault.executes)
            headers = {"traceparent": trace_id, **reply.headers, **headers}
            reply = attrs.evolve(reply, headers=headers)
        except ProblemError as problem:
            reply = problem_reply(problem, received.path, trace_id, {})
            reply = attrs.evolve(reply, headers={**headers, **reply.headers})
        if fault is not None:
            reply = distorted(reply, fault, received.path, trace_id)
        answered = fault is None or not (fault.breaks or fault.body == "garbage")
        self.log.add(_recorded(received, reply.status if answered else None, executed, fault))
        return reply, fault

    def _execute(self, received: Received, *, carry_out: bool) -> tuple[Reply, bool]:
        """Return the operation's response, and whether it changed something.

        Raises:
            ProblemError: the request is rejected, or failed.
        """
        try:
            match = self._matched(received)
            handler = HANDLERS[match.operation.name]
            request = received.request
            fields = handler.body.read(request.content_type, received.body) if handler.body else {}
            query = handler.listing.parse(request.query) if handler.listing else None
            act = handler.act(match.ids, fields, query)
            reply = self.tenant.execute(act, handler.reply, change=carry_out)
            return reply, carry_out and not match.operation.reads
        except ProblemError:
            raise
        except Exception:
            _log.exception("%s %s failed", received.request.method, received.path)
            raise broken() from None

    def _matched(self, received: Received) -> Match:
        if not self._is_key(received.request.headers.get(KEY_HEADER, "")):
            raise unauthorized()
        if received.flaw is not None:
            raise received.flaw
        if received.match is None:
            raise no_match(received.request.method, received.path)
        return received.match

    def _is_key(self, given: str) -> bool:
        sent = given.encode(errors="surrogateescape")
        return hmac.compare_digest(sent, self.api_key.encode())


async def read(request: web.BaseRequest) -> Received:
    """Read a request, as far as possible."""
    body, flaw = b"", None
    try:
        body = await request.read()
    except web.HTTPException as error:
        flaw = ProblemError(error.status, "The body is too large.")
    except (web.RequestPayloadError, OSError):
        flaw = bad_request("The body is incomplete.")
    path = request.rel_url.raw_path
    return Received(request, path, find(request.method, path), body, flaw)


def _recorded(
    received: Received, status: int | None, executed: bool, fault: Fault | None
) -> RecordedRequest:
    body = received.body
    return RecordedRequest(
        method=received.request.method,
        path=received.request.raw_path,
        operation=received.operation,
        user_id=received.user_id,
        status=status,
        executed=executed,
        fault=fault,
        headers={
            name: "***" if name.lower() == KEY_HEADER else value
            for name, value in received.request.headers.items()
        },
        body=_PASSWORD.sub(rb'\1"***"', body) if b"password" in body else body,
    )
