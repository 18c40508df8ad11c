"""The pytest fixture ``monocloud_emulator``.

To have it, say so in the top-level conftest.py:

    pytest_plugins = ["monocloud_async.emulator.pytest_plugin"]
"""

from collections.abc import Iterator

import pytest

from monocloud_sync.emulator import Emulator


@pytest.fixture
def monocloud_emulator() -> Iterator[Emulator]:
    """A local MonoCloud, fresh for each test: give a client its ``url`` and ``api_key``.

    It runs on a thread of its own, so it serves blocking and asynchronous tests alike.
    """
    with Emulator() as emulator:
        yield emulator
