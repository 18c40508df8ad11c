"""The asyncio client: its settings, its resources, and how it opens and closes."""

from __future__ import annotations

import ssl
import sys
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Callable,
    Coroutine,
    Iterable,
    Mapping,
)
from types import TracebackType
from typing import Any, TypeVar, overload

import aiohttp

from ._call import Caller, Query, Telemetry
from ._operation import Repeat, any_operation
from ._secret import concealed
from ._settings import caller_for, changed, new_observer
from .errors import InvalidArgumentError
from .hooks import RequestHook, ResponseHook
from .outcome import Outcome
from .resources import (
    BlockedIpsResource,
    DataResource,
    EmailsResource,
    ExternalProvidersResource,
    GrantsResource,
    GroupsResource,
    PasskeysResource,
    PasswordsResource,
    PhonesResource,
    SessionsResource,
    UsernamesResource,
    UsersResource,
)
from .resources._part import Part
from .response import APIResponse
from .retry import RetryPolicy

if sys.version_info >= (3, 11):
    from typing import TypeVarTuple, Unpack
else:
    from typing_extensions import TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
C = TypeVar("C", bound="MonoCloudClient")


class MonoCloudClient:
    """The client for one tenant's API. Share one per process; any number of tasks may use it.

    Args:
        domain: the tenant's domain, such as ``acme.us.monocloud.com``, or ``https://host:port``;
            None reads MONOCLOUD_MANAGEMENT_DOMAIN from the environment.
        api_key: the tenant's API key; None reads MONOCLOUD_MANAGEMENT_API_KEY from the environment.
        timeout: seconds for one attempt, from acquiring a connection to the end of the body;
            None reads MONOCLOUD_MANAGEMENT_TIMEOUT from the environment, in milliseconds, and
            defaults to 10 seconds.
        retry: when and how often to retry a failed call.
        max_connections: the maximum number of requests in flight; further calls wait.
        ssl_context: certificates to trust and to present; None trusts the system's.
        proxy: the URL of a proxy, or "" to connect directly; None reads HTTPS_PROXY, ALL_PROXY and
            NO_PROXY from the environment.
        session: an aiohttp session to use. It must belong to the event loop that makes the calls,
            and the client never closes it.
        allow_insecure_http: accept ``http://`` for hosts other than this machine, such as an
            emulator in a container. The API key is then sent unencrypted.
        on_request: called with a ``RequestInfo`` before each attempt.
        on_response: called with a ``ResponseInfo`` after each attempt.
        telemetry: records calls as spans and metrics, such as
            ``monocloud_async.telemetry.OpenTelemetry()``; None records nothing unless
            ``MonoCloudInstrumentor`` is on.

    Creating a client opens no connection and sends nothing. Hooks are plain functions or coroutine
    functions. They only observe: the client logs what they raise, and the call continues. A
    coroutine function that still waits at the call's deadline is cancelled, and the call keeps its
    result. With MONOCLOUD_LOG set to a level, such as ``debug``, creating a client turns on logging
    as ``enable_logging`` does.

    Raises:
        ConfigurationError: a setting is missing or invalid; the message names it.
    """

    users: Part[UsersResource] = Part(UsersResource)
    usernames: Part[UsernamesResource] = Part(UsernamesResource)
    emails: Part[EmailsResource] = Part(EmailsResource)
    phones: Part[PhonesResource] = Part(PhonesResource)
    passkeys: Part[PasskeysResource] = Part(PasskeysResource)
    passwords: Part[PasswordsResource] = Part(PasswordsResource)
    data: Part[DataResource] = Part(DataResource)
    blocked_ips: Part[BlockedIpsResource] = Part(BlockedIpsResource)
    sessions: Part[SessionsResource] = Part(SessionsResource)
    external_providers: Part[ExternalProvidersResource] = Part(ExternalProvidersResource)
    groups: Part[GroupsResource] = Part(GroupsResource)
    grants: Part[GrantsResource] = Part(GrantsResource)

    def __init__(
        self,
        domain: str | None = None,
        api_key: str | None = None,
        *,
        timeout: float | None = None,
        retry: RetryPolicy = RetryPolicy(),
        max_connections: int = 100,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        session: aiohttp.ClientSession | None = None,
        allow_insecure_http: bool = False,
        on_request: RequestHook | None = None,
        on_response: ResponseHook | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        api_key, proxy = concealed(api_key), concealed(proxy)
        caller = caller_for(
            domain,
            api_key,
            timeout=timeout,
            retry=retry,
            max_connections=max_connections,
            ssl_context=ssl_context,
            proxy=proxy,
            session=session,
            allow_insecure_http=allow_insecure_http,
            observer=new_observer(on_request, on_response, telemetry),
        )
        self._use(caller, owner=True)
        if caller.observer is not None:
            caller.observer.client_made(caller.server, caller.quota)

    def _use(self, caller: Caller, *, owner: bool) -> None:
        self._caller = caller
        self._owner = owner

    def with_options(
        self: C,
        *,
        timeout: float | None = None,
        retry: RetryPolicy | None = None,
        headers: Mapping[str, str] | None = None,
        on_request: RequestHook | None = None,
        on_response: ResponseHook | None = None,
    ) -> C:
        """Return a view of this client with other options, on the same connections.

        Args:
            timeout: seconds for one attempt; None keeps this client's.
            retry: when and how often to retry; None keeps this client's.
            headers: extra headers for each request, such as a correlation id, merged over those of
                this client. Headers that the client or the connection controls are rejected.
            on_request: called before each attempt, after this client's own hooks.
            on_response: called after each attempt, after this client's own hooks.

        Closing the view does not close the client.

        Raises:
            ConfigurationError: an option is invalid.
        """
        return self._with_caller(
            changed(self._caller, timeout, retry, headers, on_request, on_response)
        )

    @overload
    def many(
        self,
        method: Callable[[Unpack[Ts]], Coroutine[Any, Any, T]],
        rows: Iterable[tuple[Unpack[Ts]]] | AsyncIterable[tuple[Unpack[Ts]]],
        *,
        concurrency: int = 32,
        rate: float | None = None,
    ) -> AsyncGenerator[Outcome[T], None]: ...
    @overload
    def many(
        self,
        method: Callable[..., Coroutine[Any, Any, T]],
        rows: Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]],
        *,
        concurrency: int = 32,
        rate: float | None = None,
    ) -> AsyncGenerator[Outcome[T], None]: ...
    def many(
        self,
        method: Callable[..., Coroutine[Any, Any, Any]],
        rows: Iterable[Any] | AsyncIterable[Any],
        *,
        concurrency: int = 32,
        rate: float | None = None,
    ) -> AsyncGenerator[Outcome[Any], None]:
        """Call a method for many rows: ``client.many(client.users.delete, [("u1",), ("u2",)])``.

        Args:
            method: a method of one of this client's resources. Bind keyword arguments that are the
                same for every row with ``functools.partial``.
            rows: a tuple of positional arguments or a mapping of keyword arguments for each call,
                read as needed. A plain iterable that waits for a file or a database blocks the
                event loop: use an async one.
            concurrency: the maximum number of calls in flight.
            rate: the maximum number of requests per second; None discovers the tenant's rate limit
                and adapts to it.

        Returns an async iterator that yields an outcome for each row as its call completes. Rows
        with the same first argument are processed in order. A failed row does not end the run;
        leaving the loop or ``aclose()`` does. Calls that are not safe to retry are sent once: an
        outcome with ``may_have_been_applied`` means that the response was lost.

        Raises:
            ConfigurationError: the client is closed.
            UnauthorizedError, ForbiddenError: every further row would fail too.
            TransportError: the failure is ``permanent``, such as an untrusted certificate.
            InvalidArgumentError: an argument is invalid; nothing was sent.
        """
        from .bulk import start

        run = start(method, rows, concurrency=concurrency, rate=rate)
        if run.caller.sessions is not self._caller.sessions:
            raise InvalidArgumentError(
                "method must be a method of this client, not of another; nothing was sent"
            )
        return run.outcomes()

    async def request(
        self,
        method: str,
        path: str,
        *ids: str,
        query: Query | None = None,
        body: object = None,
        repeat: Repeat | None = None,
    ) -> APIResponse:
        """Call any path of the API, with the retries, limits and errors of the other methods.

        Args:
            method: the HTTP method, such as ``"POST"``.
            path: the path below ``/api``, with ids as ``{name}``: ``"/users/{user_id}/enable"``.
                Logs, hooks and traces show it, so keep ids out of it.
            ids: the ids, in the order of the path; the client quotes each.
            query: query parameters; None values are left out.
            body: a value to send as JSON; None sends no body.
            repeat: whether it is safe to send the request again if a response was lost; None
                means ``Repeat.SAFE`` for methods that only read, and ``Repeat.ONCE`` for others.

        Returns the response: its status, its headers, and its content through ``.json()``.

        Raises:
            InvalidArgumentError: an argument is invalid; nothing was sent.
        """
        operation = any_operation(method, path, repeat)
        if len(ids) != len(operation.parameters):
            wanted = ", ".join(operation.parameters) or "no ids"
            raise InvalidArgumentError(
                f"{path} takes {wanted}, but {len(ids)} were given; nothing was sent"
            )
        response: APIResponse = await self._caller.call(operation, *ids, query=query, body=body)
        return response

    def _behind(self, _name: str, /) -> Caller:
        """Return the caller that a resource is created with."""
        return self._caller

    def _with_caller(self: C, caller: Caller) -> C:
        """Return a view of this client that makes its calls through another caller."""
        view = type(self).__new__(type(self))
        view._use(caller, owner=False)
        return view

    async def aclose(self) -> None:
        """Close all connections. Later calls fail; closing again does nothing."""
        if self._owner:
            await self._caller.sessions.aclose()

    def _refuse_calls(self) -> bool:
        """Refuse further calls, from any thread, and return whether anything is left to close."""
        return self._owner and self._caller.sessions.refuse()

    async def __aenter__(self: C) -> C:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        # Error reports that show local variables may show a client whose __init__ failed.
        origin = str(self._caller.origin) if "_caller" in vars(self) else None
        return f"{type(self).__name__}({origin!r})"

    def __reduce__(self) -> Any:
        raise TypeError(
            "a client holds an API key and cannot be pickled or copied: "
            "create one in the process that uses it"
        )
