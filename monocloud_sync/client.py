"""MonoCloudClient, as it is called without async."""

from __future__ import annotations

import ssl
from types import TracebackType
from typing import Any, TypeVar

import monocloud_async as aio
from monocloud_async import RetryPolicy
from monocloud_async._secret import concealed

from ._blocking import close
from .resources import PhonesResource, UsersResource

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
        proxy: the URL of a proxy; if None, what HTTPS_PROXY, ALL_PROXY and NO_PROXY say.

    Nothing is sent, no connection made and no thread started before the first call. It may be
    made before a fork, and used before and after.

    Raises:
        ConfigurationError: a setting is missing or cannot work; the message names it.
    """

    users: UsersResource
    phones: PhonesResource

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
            )
        )

    def _use(self, client: aio.MonoCloudClient) -> None:
        self._async = client
        self.users = UsersResource(client.users)
        self.phones = PhonesResource(client.phones)

    def with_options(
        self: C, *, timeout: float | None = None, retry: RetryPolicy | None = None
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
        view._use(self._async.with_options(timeout=timeout, retry=retry))
        return view

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
