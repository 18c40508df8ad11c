"""Emulator: the tenant behind a loopback port, and what it was asked."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import re
from types import TracebackType
from typing import Any, TypeVar

import attrs
from aiohttp import web

from .._secret import Secret, concealed
from ..errors import ConfigurationError
from ..models import User
from .problems import ProblemError, bad_request, broken, new_trace_id, unauthorized
from .routes import Call, find, nowhere
from .seed import Seed, load
from .tenant import Tenant

E = TypeVar("E", bound="Emulator")
_HOST = "127.0.0.1"
_KEY_HEADER = "x-api-key"
# How long closing waits for requests that are not over, twice: for them, then for their end.
_CLOSE_SECONDS = 0.1
_KEY = re.compile(r"[\x21-\x7e]+")
_log = logging.getLogger("monocloud.emulator")


@attrs.frozen(kw_only=True)
class RecordedRequest:
    """A request that an emulator answered.

    Attributes:
        method: the HTTP method.
        path: the path as it was sent, with its query.
        operation: what it asked for, such as ``phones.set_primary``; None if nothing known.
        user_id: the user that it concerned, if any.
        status: the status that it was answered with.
        headers: its headers, names as they were sent; the API key is masked.
        body: its body.
    """

    method: str
    path: str
    operation: str | None
    user_id: str | None
    status: int
    headers: dict[str, str] = attrs.field(hash=False)
    body: bytes


@attrs.frozen(eq=False)
class _Asked:
    """A request as it came; ``flaw`` is why it could not be read to its end."""

    request: web.BaseRequest
    path: str
    call: Call | None
    body: bytes
    flaw: ProblemError | None


class Emulator:
    """A local MonoCloud: ``async with Emulator() as emulator``.

    Args:
        users: the users to begin with, as the API's JSON; or the path of a JSON file with a list
            of them, or with an object that has such a list as its member ``users``; None for two
            users of its own, see ``USER_ID`` and ``PHONE_ID``.
        api_key: the key that it asks for.
        port: where it listens, on 127.0.0.1; 0 for a free port, another one at each start.

    Stopping keeps the users and the record of requests; ``reset()`` does not.

    Raises:
        ConfigurationError: an argument cannot work; the message says why.
    """

    def __init__(
        self, users: Seed | None = None, *, api_key: str = "emulator-key", port: int = 0
    ) -> None:
        self._runner: web.ServerRunner | None = None
        api_key = concealed(api_key) or Secret()
        self._tenant = Tenant(load(users))
        self._api_key = _checked_key(api_key)
        self._port = _checked_port(port)
        self._requests: list[RecordedRequest] = []
        self._changing = asyncio.Lock()

    @property
    def url(self) -> str:
        """Where it listens, such as ``http://127.0.0.1:50123``."""
        if self._runner is None:
            raise ConfigurationError("the emulator is not started")
        return f"http://{_HOST}:{self._runner.addresses[0][1]}"

    @property
    def api_key(self) -> str:
        """The key that it asks for."""
        return str(self._api_key)

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests that it answered, the oldest first; the list grows, and may be cleared."""
        return self._requests

    @property
    def executions(self) -> int:
        """How many changes it carried out; what was refused or only read is none."""
        return self._tenant.executions()

    def executions_of(self, operation: str) -> int:
        """Return how often it carried out one operation, such as ``phones.set_primary``."""
        return self._tenant.executions(operation)

    def export(self) -> list[dict[str, Any]]:
        """Return all users as the API's JSON; it is a copy, and can be the seed of another."""
        return self._tenant.export()

    def user(self, user_id: str) -> User:
        """Return a user.

        Raises:
            KeyError: there is no such user.
        """
        try:
            return User.from_dict(self._tenant.user(user_id))
        except ProblemError as problem:
            raise KeyError(problem.detail) from None

    def reset(self) -> None:
        """Go back to the users of the beginning, and forget all requests and executions."""
        self._tenant.reset()
        self._requests.clear()

    async def start(self) -> None:
        """Listen; nothing happens if it does already.

        Raises:
            ConfigurationError: the port is not to be had.
        """
        async with self._changing:
            if self._runner is None:
                self._runner = await self._listen()

    async def aclose(self) -> None:
        """Stop listening, and end what is open; nothing happens if it is stopped already."""
        async with self._changing:
            runner, self._runner = self._runner, None
            if runner is not None:
                await runner.cleanup()

    async def __aenter__(self: E) -> E:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"Emulator({self.url!r})" if self._runner else "Emulator(not started)"

    async def _listen(self) -> web.ServerRunner:
        server = web.Server(self._serve, access_log=None)
        runner = web.ServerRunner(server, shutdown_timeout=_CLOSE_SECONDS)
        await runner.setup()
        try:
            await web.TCPSite(runner, _HOST, self._port).start()
        except OSError as error:
            await runner.cleanup()
            raise ConfigurationError(
                f"the emulator cannot listen on port {self._port} of {_HOST}: {error.strerror}"
            ) from None
        return runner

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request: read it, carry it out, take note of it, write."""
        asked = await _read(request)
        trace_id = new_trace_id()
        headers = {"traceparent": trace_id}
        try:
            status, document = 200, self._execute(asked)
        except ProblemError as problem:
            status, document = problem.status, problem.document(asked.path, trace_id)
            headers.update(problem.headers)
        self._requests.append(_recorded(asked, status))
        return web.Response(
            status=status,
            headers=headers,
            body=json.dumps(document).encode(),
            content_type="application/json" if status < 300 else "application/problem+json",
        )

    def _execute(self, asked: _Asked) -> dict[str, Any]:
        """Carry out a request, and return the user as it is then.

        Raises:
            ProblemError: it is refused, or failed.
        """
        try:
            call, fields = self._understood(asked)
            return self._tenant.execute(call, fields)
        except ProblemError:
            raise
        except Exception:
            _log.exception("%s %s failed", asked.request.method, asked.path)
            raise broken() from None

    def _understood(self, asked: _Asked) -> tuple[Call, dict[str, Any]]:
        self._check_key(asked.request)
        if asked.flaw is not None:
            raise asked.flaw
        if asked.call is None:
            raise nowhere(asked.request.method, asked.path)
        return asked.call, asked.call.fields(asked.request.content_type, asked.body)

    def _check_key(self, request: web.BaseRequest) -> None:
        if not self._is_key(request.headers.get(_KEY_HEADER, "")):
            raise unauthorized()

    def _is_key(self, given: str) -> bool:
        sent = given.encode(errors="surrogateescape")
        return hmac.compare_digest(sent, self._api_key.encode())


async def _read(request: web.BaseRequest) -> _Asked:
    body, flaw = b"", None
    try:
        body = await request.read()
    except web.HTTPException as error:
        flaw = ProblemError(error.status, "The body is too long.")
    except (web.RequestPayloadError, OSError):
        flaw = bad_request("The body breaks off.")
    path = request.rel_url.raw_path
    return _Asked(request, path, find(request.method, path), body, flaw)


def _recorded(asked: _Asked, status: int) -> RecordedRequest:
    return RecordedRequest(
        method=asked.request.method,
        path=asked.request.raw_path,
        operation=asked.call.route.operation if asked.call else None,
        user_id=asked.call.user_id if asked.call else None,
        status=status,
        headers={
            name: "***" if name.lower() == _KEY_HEADER else value
            for name, value in asked.request.headers.items()
        },
        body=asked.body,
    )


def _checked_key(api_key: Secret) -> Secret:
    if not _KEY.fullmatch(api_key):
        raise ConfigurationError("api_key must be a string of visible ASCII characters, no blanks")
    return api_key


def _checked_port(port: object) -> int:
    if type(port) is not int or not 0 <= port < 65536:
        raise ConfigurationError(f"port must be a whole number from 0 to 65535, not {port!r}")
    return port
