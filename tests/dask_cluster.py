"""A Dask cluster of two processes for the tests of a module, or one whose processes may die."""

from __future__ import annotations

import gc
import os
import socket
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager

import pytest

from .conftest import API_KEY, KEY


@contextmanager
def cluster(**keys: str) -> Iterator[str]:
    """Start a cluster whose workers have the key of the emulator; provide its address.

    Args:
        keys: more environment variables of the workers.
    """
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "error")
    from distributed import LocalCluster

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        # These tests do not check what Dask itself leaves open or still uses although deprecated.
        warnings.simplefilter("ignore")
        for name, key in {API_KEY: KEY, **keys}.items():
            patch.setenv(name, key)
        with LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
        ) as started:
            patch.undo()
            yield started.scheduler_address


@asynccontextmanager
async def threads() -> AsyncIterator[object]:
    """Start a cluster of two workers in this process, and provide it."""
    from distributed import LocalCluster

    with warnings.catch_warnings():
        # Dask does not close all of its sockets.
        warnings.simplefilter("ignore")
        async with LocalCluster(
            n_workers=2,
            threads_per_worker=2,
            processes=False,
            asynchronous=True,
            dashboard_address="127.0.0.1:0",
        ) as started:
            yield started
        del started
        gc.collect()


class Cluster:
    """A cluster of processes that a test may kill.

    Attributes:
        address: the scheduler's address.
        scheduler: its process.
        workers: the processes of the workers.
    """

    def __init__(self, stack: ExitStack, preload: str = "") -> None:
        self._stack = stack
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        options = ("--host", "127.0.0.1", "--port", str(port))
        self.scheduler = self._started("scheduler", preload, *options)
        self.workers: list[subprocess.Popen[bytes]] = []

    def add_worker(
        self, threads: int = 1, *, preload: str = "", key: str = KEY
    ) -> subprocess.Popen[bytes]:
        """Start a worker, which joins when it and the scheduler are ready.

        Args:
            threads: the number of its threads.
            preload: code that it runs first.
            key: the API key in its environment.
        """
        options = (self.address, "--nthreads", str(threads), "--no-nanny")
        worker = self._started("worker", preload, *options, key=key)
        self.workers.append(worker)
        return worker

    def _started(
        self, kind: str, preload: str, *options: str, key: str = ""
    ) -> subprocess.Popen[bytes]:
        more = ("--preload", preload) if preload else ()
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                f"distributed.cli.dask_{kind}",
                *options,
                "--no-dashboard",
                *more,
            ],
            env={**os.environ, API_KEY: key},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process


@contextmanager
def processes(workers: int = 2, preload: str = "") -> Iterator[Cluster]:
    """Start a scheduler and workers, each in a process of its own.

    Args:
        workers: the number of workers.
        preload: code that the scheduler runs first.
    """
    with ExitStack() as stack:
        started = Cluster(stack, preload)
        for _ in range(workers):
            started.add_worker()
        yield started
