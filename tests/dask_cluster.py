"""A Dask cluster of two processes for the tests of a module."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .conftest import API_KEY, KEY


@contextmanager
def cluster() -> Iterator[str]:
    """Start a cluster whose workers have the key of the emulator; provide its address."""
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "error")
    from distributed import LocalCluster

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        # What Dask itself does not close or uses too long is none of these tests' business.
        warnings.simplefilter("ignore")
        patch.setenv(API_KEY, KEY)
        with LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
        ) as started:
            patch.undo()
            yield started.scheduler_address
