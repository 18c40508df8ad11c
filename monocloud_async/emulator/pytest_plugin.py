"""The pytest fixture ``monocloud_emulator``.

To have it, say so in the top-level conftest.py:

    pytest_plugins = ["monocloud_async.emulator.pytest_plugin"]
"""

from collections.abc import Iterator

import pytest

from .threaded import ThreadedEmulator


@pytest.fixture
def monocloud_emulator() -> Iterator[ThreadedEmulator]:
    """A local MonoCloud, fresh for each test: give a client its ``url`` and ``api_key``.

    It runs on a thread of its own, so it serves blocking and asynchronous tests alike.
    """
    with ThreadedEmulator() as emulator:
        yield emulator
