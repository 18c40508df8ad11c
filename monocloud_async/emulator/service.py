"""What an emulator answers to a request: read it, decide on it, carry it out, note it down."""

from __future__ import annotations

import hmac
import logging
from typing import Any

import attrs
from aiohttp import web

from .delivery import Answer, distorted, problem_answer
from .fault import Fault
from .faults import Faults
from .journal import Journal, RecordedRequest
from .problems import ProblemError, bad_request, broken, new_trace_id, unauthorized
from .rate_limit import TokenBucket
from .routes import Call, find, nowhere
from .tenant import Tenant

_KEY_HEADER = "x-api-key"
_log = logging.getLogger("monocloud.emulator")


@attrs.frozen(eq=False)
class Asked:
    """A request as it came; ``flaw`` is why it could not be read to its end."""

    request: web.BaseRequest
    path: str
    call: Call | None
    body: bytes
    flaw: ProblemError | None

    @property
    def operation(self) -> str | None:
        """What it asks for; None if nothing known."""
        return self.call.route.operation if self.call else None

    @property
    def user_id(self) -> str | None:
        """The user that it concerns, if any."""
        return self.call.user_id if self.call else None


@attrs.define(eq=False)
class Service:
    """The tenant, what stands before it, and what is kept of the requests.

    Attributes:
        tenant: the users.
        api_key: the key that is asked for.
        faults: what goes wrong.
        journal: where requests are noted down.
        bucket: the limit of calls a second; None for none.
    """

    tenant: Tenant
    api_key: str = attrs.field(repr=False)
    faults: Faults
    journal: Journal
    bucket: TokenBucket | None

    def answer(self, asked: Asked) -> tuple[Answer, Fault | None]:
        """Carry a request out, note it down, and return its answer, and what is to go wrong.

        Args:
            asked: the request.
        """
        trace_id, headers = new_trace_id(), dict[str, str]()
        fault, executed = None, False
        try:
            if self.bucket is not None:
                headers = self.bucket.take()
            fault = self.faults.strike(asked.operation, asked.user_id)
            body, executed = self._execute(asked, carry_out=not fault or fault.executes)
            headers = {"traceparent": trace_id, "Content-Type": "application/json", **headers}
            answer = Answer(200, headers, body)
        except ProblemError as problem:
            answer = problem_answer(problem, asked.path, trace_id, {})
            answer = attrs.evolve(answer, headers={**headers, **answer.headers})
        if fault is not None:
            answer = distorted(answer, fault, asked.path, trace_id)
        answered = fault is None or not (fault.breaks or fault.body == "garbage")
        self.journal.add(_recorded(asked, answer.status if answered else None, executed, fault))
        return answer, fault

    def _execute(self, asked: Asked, *, carry_out: bool) -> tuple[bytes, bool]:
        """Return the user as it is then, as JSON text, and whether it was changed.

        Raises:
            ProblemError: it is refused, or failed.
        """
        try:
            call, fields = self._understood(asked)
            body = self.tenant.execute(call, fields, change=carry_out)
            return body, carry_out and call.route.change is not None
        except ProblemError:
            raise
        except Exception:
            _log.exception("%s %s failed", asked.request.method, asked.path)
            raise broken() from None

    def _understood(self, asked: Asked) -> tuple[Call, dict[str, Any]]:
        self._check_key(asked.request)
        if asked.flaw is not None:
            raise asked.flaw
        if asked.call is None:
            raise nowhere(asked.request.method, asked.path)
        return asked.call, asked.call.fields(asked.request.content_type, asked.body)

    def _check_key(self, request: web.BaseRequest) -> None:
        given = request.headers.get(_KEY_HEADER, "").encode(errors="surrogateescape")
        if not hmac.compare_digest(given, self.api_key.encode()):
            raise unauthorized()


async def read(request: web.BaseRequest) -> Asked:
    """Return a request, read to its end or as far as that is possible."""
    body, flaw = b"", None
    try:
        body = await request.read()
    except web.HTTPException as error:
        flaw = ProblemError(error.status, "The body is too long.")
    except (web.RequestPayloadError, OSError):
        flaw = bad_request("The body breaks off.")
    path = request.rel_url.raw_path
    return Asked(request, path, find(request.method, path), body, flaw)


def _recorded(
    asked: Asked, status: int | None, executed: bool, fault: Fault | None
) -> RecordedRequest:
    return RecordedRequest(
        method=asked.request.method,
        path=asked.request.raw_path,
        operation=asked.operation,
        user_id=asked.user_id,
        status=status,
        executed=executed,
        fault=fault,
        headers={
            name: "***" if name.lower() == _KEY_HEADER else value
            for name, value in asked.request.headers.items()
        },
        body=asked.body,
    )
