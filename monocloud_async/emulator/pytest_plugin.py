"""The pytest fixture ``monocloud_emulator``.

To use it, add this to the top-level conftest.py:

    pytest_plugins = ["monocloud_async.emulator.pytest_plugin"]
"""

from collections.abc import Iterator

import pytest

from .threaded import ThreadedEmulator


@pytest.fixture
def monocloud_emulator() -> Iterator[ThreadedEmulator]:
    """A fresh emulator for each test; create a client with its ``url`` and ``api_key``.

    It runs in its own thread, so it works with blocking and asynchronous tests.
    """
    with ThreadedEmulator() as emulator:
        yield emulator
