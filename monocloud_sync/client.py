"""MonoCloudClient, as it is called without async."""

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
    """A client of one tenant's API; one serves a whole process, and any number of threads.

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
        allow_insecure_http: whether to take ``http://`` for hosts other than this machine, such
            as an emulator in a container; the API key travels unencrypted then.

    Nothing is sent, no connection made and no thread started before the first call. It may be
    made before a fork, and used before and after.

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
        """Return what a resource is made with: its async twin."""
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
        """Return a view of this client with other limits, on the same connections.

        Args:
            timeout: seconds for one attempt; None keeps this client's.
            retry: how to repeat what failed; None keeps this client's.

        Closing the view leaves the client open.

        Raises:
            ConfigurationError: a limit cannot work.
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
            method: a method of one of this client's resources. Keyword arguments that are the
                same for each row go into a ``functools.partial`` of it.
            rows: tuples of its positional arguments, or mappings of its arguments by name; read
                as they are needed, by the thread that iterates.
            concurrency: calls in flight at once, at most.
            rate: requests a second, at most; None for as many as the tenant's limit lets pass,
                which the run discovers.

        Returns an iterator of what became of each row, in the order in which they are done; rows
        with the same first argument are done in theirs. A row that fails does not end it. Leaving
        the loop, or ``close()``, stops it. What a method sends once only, the run sends once
        only: an outcome whose ``may_have_been_applied`` is true says that an answer was lost.

        Raises:
            ConfigurationError: the client is closed.
            UnauthorizedError, ForbiddenError: all further rows would fail as well.
            TransportError: it is ``permanent``, such as a certificate that is not trusted.
            InvalidArgumentError: an argument cannot be right; nothing was sent.
        """

        def start(given: Any) -> AsyncGenerator[Outcome[Any], None]:
            twin = async_twin(method)
            return self._async.many(twin, given, concurrency=concurrency, rate=rate)

        return iterate(start, rows)

    def close(self) -> None:
        """Close the connections; later calls are refused, and a second close does nothing."""
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
