"""The pytest fixture ``monocloud_emulator``, there wherever this package is installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from monocloud_sync.emulator import Emulator


@pytest.fixture
def monocloud_emulator() -> Iterator[Emulator]:
    """A local MonoCloud, fresh for each test: give a client its ``url`` and ``api_key``.

    It runs on a thread of its own, so it serves blocking and asynchronous tests alike.
    """
    # Here, since pytest loads this module in every project that has the package installed.
    from monocloud_sync.emulator import Emulator

    with Emulator() as emulator:
        yield emulator
