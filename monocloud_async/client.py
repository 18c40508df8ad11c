"""MonoCloudClient: its settings, its resources, its opening and closing."""

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
import attrs

from ._call import Caller, Query, Telemetry
from ._call.observer import default_telemetry
from ._http import checked_headers
from ._operation import Repeat, any_operation
from ._secret import concealed
from ._settings import caller_for, checked_policy, checked_timeout, with_hooks
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
    """A client of one tenant's API; one serves a whole process, and any number of tasks.

    Args:
        domain: the tenant's domain, such as ``acme.us.monocloud.com``, or ``https://host:port``;
            if None, the environment's MONOCLOUD_MANAGEMENT_DOMAIN.
        api_key: the tenant's API key; if None, the environment's MONOCLOUD_MANAGEMENT_API_KEY.
        timeout: seconds for one attempt, from when it has a connection to the end of the body;
            if None, the environment's MONOCLOUD_MANAGEMENT_TIMEOUT, which is in milliseconds, or
            else 10 seconds.
        retry: how to repeat what failed.
        max_connections: calls on the wire at once; more wait for their turn.
        ssl_context: what to trust and to show; if None, the system's certificates.
        proxy: the URL of a proxy, "" for none; if None, what HTTPS_PROXY, ALL_PROXY and NO_PROXY
            say.
        session: an aiohttp session to use, and never to close; for one event loop.
        allow_insecure_http: whether to take ``http://`` for hosts other than this machine, such
            as an emulator in a container; the API key travels unencrypted then.

    Nothing is sent, and no connection is made, before the first call.

    Raises:
        ConfigurationError: a setting is missing or cannot work; the message names it.
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
            observer=with_hooks(None, on_request, on_response, telemetry or default_telemetry()),
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
        """Return a view of this client with other limits, on the same connections.

        Args:
            timeout: seconds for one attempt; None keeps this client's.
            retry: how to repeat what failed; None keeps this client's.

        Closing the view leaves the client open.

        Raises:
            ConfigurationError: a limit cannot work.
        """
        mine = self._caller
        return self._with_caller(
            attrs.evolve(
                mine,
                timeout=mine.timeout if timeout is None else checked_timeout(timeout),
                policy=mine.policy if retry is None else checked_policy(retry),
                headers=mine.headers
                if headers is None
                else mine.headers.extended(checked_headers(headers)),
                observer=with_hooks(mine.observer, on_request, on_response),
            )
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
            method: a method of one of this client's resources. Keyword arguments that are the
                same for each row go into a ``functools.partial`` of it.
            rows: tuples of its positional arguments, or mappings of its arguments by name; read
                as they are needed. Each step of an ordinary iterable that waits, for a file or a
                database, holds up the event loop: an async one does not.
            concurrency: calls in flight at once, at most.
            rate: requests a second, at most; None for as many as the tenant's limit lets pass,
                which the run discovers.

        Returns an async iterator of what became of each row, in the order in which they are done;
        rows with the same first argument are done in theirs. A row that fails does not end it.
        Leaving the loop, or ``aclose()``, stops it. What a method sends once only, the run sends
        once only: an outcome whose ``may_have_been_applied`` is true says that an answer was lost.

        Raises:
            ConfigurationError: the client is closed.
            UnauthorizedError, ForbiddenError: all further rows would fail as well.
            TransportError: it is ``permanent``, such as a certificate that is not trusted.
            InvalidArgumentError: an argument cannot be right; nothing was sent.
        """
        from .bulk import start

        run = start(method, rows, concurrency=concurrency, rate=rate)
        if run.caller.sessions is not self._caller.sessions:
            raise InvalidArgumentError(
                "method must be of this client, not of another one; nothing was sent"
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
        """Call any path of the API, with all that a method of a resource has.

        Args:
            method: the HTTP method, such as ``"POST"``.
            path: below ``/api``, ids as ``{name}``, such as ``"/users/{user_id}/enable"``.
            ids: the ids, in the order of the path; each is quoted.
            query: the parameters of the query; those that are None are not sent.
            body: the JSON to send; None sends no body.
            repeat: whether it may be sent again after an answer is lost; None for
                ``Repeat.SAFE`` where the method only reads, and ``Repeat.ONCE`` for others.

        Returns the answer: its status, its headers, and its content by ``.json()``.

        Raises:
            InvalidArgumentError: an argument cannot be right; nothing was sent.
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
        """Return what a resource is made with."""
        return self._caller

    def _with_caller(self: C, caller: Caller) -> C:
        """Return a view of this client, whose operations another caller carries out."""
        view = type(self).__new__(type(self))
        view._use(caller, owner=False)
        return view

    async def aclose(self) -> None:
        """Close the connections; later calls are refused, and a second close does nothing."""
        if self._owner:
            await self._caller.sessions.aclose()

    def _refuse_calls(self) -> bool:
        """Begin what ``aclose`` does, on any thread, and return whether it has more to do."""
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
        # What shows an error of __init__ with its variables shows a client that is not set up.
        origin = str(self._caller.origin) if "_caller" in vars(self) else None
        return f"{type(self).__name__}({origin!r})"

    def __reduce__(self) -> Any:
        raise TypeError(
            "a client is neither pickled nor copied, for its API key's sake: "
            "make one in the process that uses it"
        )
