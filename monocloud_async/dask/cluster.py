"""The cluster that a run uses: one that exists, or one of processes on this machine."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from importlib.util import find_spec
from typing import Any, cast

from distributed import Client, LocalCluster

from ..errors import ConfigurationError, InvalidArgumentError
from . import preload
from .coordinator import Coordinator

_SECONDS = 30.0
_DASHBOARD = 8787


@asynccontextmanager
async def connected(cluster: Any, workers: int | None) -> AsyncGenerator[Client, None]:
    """Connect to a cluster, and provide a client of this event loop.

    Args:
        cluster: a scheduler's address, a Dask client or a Dask cluster. None starts one of
            processes on this machine.
        workers: the number of its processes. None means one for each CPU.

    Raises:
        ConfigurationError: the cluster cannot be used.
    """
    _check(workers)
    async with AsyncExitStack() as stack:
        if cluster is None:
            cluster = await stack.enter_async_context(_local(workers))
        address, security = _address(cluster)
        client: Any = Client(  # type: ignore[no-untyped-call]
            address, asynchronous=True, security=security, timeout=_SECONDS, set_as_default=False
        )
        # Even if it cannot connect.
        stack.push_async_callback(client.close)
        try:
            await client
        except (OSError, TimeoutError, ValueError, ImportError, MemoryError) as error:
            raise _unconnected(address, error) from None
        await _register(client)
        yield client


def _check(workers: object) -> None:
    # Dask would start without workers, and a run would wait for them.
    if workers is not None and (type(workers) is not int or workers < 1):
        raise InvalidArgumentError(
            f"workers must be a whole number, 1 or more, or None, not {workers!r}; nothing was sent"
        )


async def has_workers(client: Client) -> bool:
    """Return whether a cluster has workers."""
    untyped: Any = client
    return bool(await untyped.nthreads())


def _local(workers: int | None) -> LocalCluster:
    return LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=workers,
        # A worker makes its calls in an event loop, so more threads would not make it faster.
        threads_per_worker=1,
        processes=True,
        asynchronous=True,
        host="127.0.0.1",
        dashboard_address=f"127.0.0.1:{_free(_DASHBOARD)}",
        preload=[preload.__name__],
    )


def _free(port: int) -> int:
    """Return a port if it is free, or 0, which stands for any: Dask would warn about another."""
    with socket.socket() as probe:
        if os.name == "posix":
            # As Dask does: connections that have just ended do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port


def dashboard(client: Client, *, local: bool) -> str | None:
    """Return the address of Dask's dashboard, if there is one.

    Args:
        client: the Dask client.
        local: whether the cluster was started for this run, with the packages that are here.
    """
    if local and find_spec("bokeh") is None:
        return None
    with suppress(KeyError, ValueError, AttributeError):
        return cast("str | None", cast("Any", client).dashboard_link) or None
    return None


def _address(cluster: Any) -> tuple[str, Any]:
    """Return a scheduler's address, and what is needed to connect to it."""
    if isinstance(cluster, str):
        return cluster, None
    scheduler = getattr(cluster, "scheduler", None)
    address = getattr(scheduler, "address", None) or getattr(cluster, "scheduler_address", None)
    if not isinstance(address, str):
        raise ConfigurationError(
            "cluster must be a scheduler's address, a Dask client or a Dask cluster, not "
            f"{type(cluster).__name__}; nothing was sent"
        )
    return address, getattr(cluster, "security", None)


def _unconnected(address: str, error: Exception) -> ConfigurationError:
    # Dask takes the first bytes of an HTTP response, for example, for a length, which is huge.
    why = "another kind of server responds there" if isinstance(error, MemoryError) else error
    return ConfigurationError(
        f"cannot connect to the Dask scheduler at {address}: {why}; nothing was sent: check its "
        "address"
    )


async def _register(client: Client) -> None:
    try:
        await client.register_plugin(Coordinator())
    # What the scheduler raises: a missing package, or a policy.
    except Exception as error:
        raise unable("the Dask scheduler cannot coordinate the run", error) from None


def unable(what: str, error: Exception) -> ConfigurationError:
    """Return the error of a scheduler or a worker that cannot take part in a run.

    Args:
        what: what it cannot do.
        error: what it raised.
    """
    return ConfigurationError(
        f"{what}: {type(error).__name__}: {error}; nothing was sent: install monocloud[dask], in "
        "the version used here, on the scheduler and on all workers, and leave "
        "distributed.scheduler.pickle on"
    )
