"""The blocking client: the same names as the asyncio client, without await."""

from __future__ import annotations

import ssl
import sys
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Callable,
    Generator,
    Iterable,
    Mapping,
)
from types import TracebackType
from typing import Any, Final, TypeVar, overload

import monocloud_async as aio
from monocloud_async import Outcome, RetryPolicy
from monocloud_async._call import Telemetry
from monocloud_async._secret import concealed
from monocloud_async.resources._part import Part

from ._blocking import async_twin, blocking, close
from ._iterating import iterate
from .hooks import RequestHook, ResponseHook, plain_hook
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

if sys.version_info >= (3, 11):
    from typing import TypeVarTuple, Unpack
else:
    from typing_extensions import TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
C = TypeVar("C", bound="MonoCloudClient")


class MonoCloudClient:
    """The client for one tenant's API. Share one per process; any number of threads may use it.

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
        allow_insecure_http: accept ``http://`` for hosts other than this machine, such as an
            emulator in a container. The API key is then sent unencrypted.
        on_request: called with a ``RequestInfo`` before each attempt.
        on_response: called with a ``ResponseInfo`` after each attempt.
        telemetry: records calls as spans and metrics, such as
            ``monocloud_async.telemetry.OpenTelemetry()``; None records nothing unless
            ``MonoCloudInstrumentor`` is on.

    Creating a client opens no connection, starts no thread and sends nothing. A client created
    before a fork works in both processes. Hooks are plain functions. They run on the thread of the
    client's own event loop, where a slow one delays every call, and where they cannot call the
    client. They only observe: the client logs what they raise, and the call continues. With
    MONOCLOUD_LOG set to a level, such as ``debug``, creating a client turns on logging as
    ``enable_logging`` does.

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
        allow_insecure_http: bool = False,
        on_request: RequestHook | None = None,
        on_response: ResponseHook | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        api_key, proxy = concealed(api_key), concealed(proxy)
        self._use(
            aio.MonoCloudClient(
                domain,
                api_key,
                timeout=timeout,
                retry=retry,
                max_connections=max_connections,
                ssl_context=ssl_context,
                proxy=proxy,
                allow_insecure_http=allow_insecure_http,
                on_request=plain_hook("on_request", on_request),
                on_response=plain_hook("on_response", on_response),
                telemetry=telemetry,
            )
        )

    def _use(self, client: aio.MonoCloudClient) -> None:
        self._async = client

    def _behind(self, name: str, /) -> Any:
        """Return the async twin that a resource is created with."""
        return getattr(self._async, name)

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
        view = type(self).__new__(type(self))
        view._use(
            self._async.with_options(
                timeout=timeout,
                retry=retry,
                headers=headers,
                on_request=plain_hook("on_request", on_request),
                on_response=plain_hook("on_response", on_response),
            )
        )
        return view

    request: Final = blocking(aio.MonoCloudClient.request)

    @overload
    def many(
        self,
        method: Callable[[Unpack[Ts]], T],
        rows: Iterable[tuple[Unpack[Ts]]] | AsyncIterable[tuple[Unpack[Ts]]],
        *,
        concurrency: int = 32,
        rate: float | None = None,
    ) -> Generator[Outcome[T], None, None]: ...
    @overload
    def many(
        self,
        method: Callable[..., T],
        rows: Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]],
        *,
        concurrency: int = 32,
        rate: float | None = None,
    ) -> Generator[Outcome[T], None, None]: ...
    def many(
        self,
        method: Callable[..., Any],
        rows: Iterable[Any] | AsyncIterable[Any],
        *,
        concurrency: int = 32,
        rate: float | None = None,
    ) -> Generator[Outcome[Any], None, None]:
        """Call a method for many rows: ``client.many(client.users.delete, [("u1",), ("u2",)])``.

        Args:
            method: a method of one of this client's resources. Bind keyword arguments that are the
                same for every row with ``functools.partial``.
            rows: a tuple of positional arguments or a mapping of keyword arguments for each call,
                read as needed, on the thread that iterates.
            concurrency: the maximum number of calls in flight.
            rate: the maximum number of requests per second; None discovers the tenant's rate limit
                and adapts to it.

        Returns an iterator that yields an outcome for each row as its call completes. Rows with the
        same first argument are processed in order. A failed row does not end the run; leaving the
        loop or ``close()`` does. Calls that are not safe to retry are sent once: an outcome with
        ``may_have_been_applied`` means that the response was lost.

        Raises:
            ConfigurationError: the client is closed.
            UnauthorizedError, ForbiddenError: every further row would fail too.
            TransportError: the failure is ``permanent``, such as an untrusted certificate.
            InvalidArgumentError: an argument is invalid; nothing was sent.
        """

        def start(given: Any) -> AsyncGenerator[Outcome[Any], None]:
            twin = async_twin(method)
            return self._async.many(twin, given, concurrency=concurrency, rate=rate)

        return iterate(start, rows)

    def close(self) -> None:
        """Close all connections. Later calls fail; closing again does nothing."""
        if self._async._refuse_calls():  # pyright: ignore[reportPrivateUsage]
            close(self._async.aclose)

    def __enter__(self: C) -> C:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self._async) if "_async" in vars(self) else f"{type(self).__name__}(None)"

    def __reduce__(self) -> Any:
        return self._async.__reduce__()
