"""A real Jupyter kernel: both clients in cells, and interrupted cells."""

from __future__ import annotations

import queue
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client import KernelManager

from .programs import SECONDS, environment, posix, until
from .wire import answer, served, silence

pytestmark = posix


class Kernel:
    """A kernel that runs cells one after another."""

    def __init__(self, manager: KernelManager, client: Any) -> None:
        self._client = client
        self.interrupt = manager.interrupt_kernel

    def start(self, cell: str) -> str:
        # Otherwise the kernel drops cells that arrive right after a failed one.
        return self._client.execute(cell, stop_on_error=False)

    def outcome(self, cell: str) -> str:
        """Return the cell's output, or the name of the error that it raised."""
        output = stream = ""
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                message = self._client.get_iopub_msg(timeout=0.5)
            except queue.Empty:
                assert time.monotonic() < deadline, output
                # A sleeping loop notices an interrupt only when something else wakes it.
                self._client.kernel_info()
                continue
            if message["parent_header"].get("msg_id") != cell:
                continue
            content = message["content"]
            if message["msg_type"] == "stream":
                # A kernel may split a cell's output into any number of messages.
                begins = f"{content['name']}: " if content["name"] != stream else ""
                stream = content["name"]
                output += begins + content["text"]
            elif message["msg_type"] == "error":
                output += content["ename"]
            elif message["msg_type"] == "status" and content["execution_state"] == "idle":
                return output

    def run(self, cell: str) -> str:
        return self.outcome(self.start(cell))


@contextmanager
def kernel(directory: Path, url: str) -> Iterator[Kernel]:
    own = {"IPYTHONDIR": str(directory), "JUPYTER_RUNTIME_DIR": str(directory)}
    manager = KernelManager(connection_file=str(directory / "kernel.json"))
    manager.start_kernel(
        env={**environment(url), **own},
        cwd=str(directory),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=40)
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        # Some versions leave this to the garbage collector, which warns during another test.
        for context in (client.context, manager.context):
            context.destroy(linger=0)
        manager.cleanup_resources()


def test_both_clients_work_in_cells(tmp_path: Path) -> None:
    with served(answer(), answer(), answer(), silence, answer()) as wire:
        with kernel(tmp_path, wire.url) as notebook:
            assert (
                notebook.run("""
import monocloud_async, monocloud_sync
blocking, waiting = monocloud_sync.MonoCloudClient(), monocloud_async.MonoCloudClient()
print(blocking.users.get("u").user_id[:2])
""")
                == "stdout: UO\n"
            )
            assert (
                notebook.run("""
print((await waiting.users.get("u")).user_id[:2])
""")
                == "stdout: UO\n"
            )
            # The next cell has the same loop, and therefore the same connection.
            assert (
                notebook.run("""
print((await waiting.users.get("u")).user_id[:2])
""")
                == "stdout: UO\n"
            )
            assert wire.connections == 2
            cell = notebook.start("blocking.phones.set_primary('u', 'p')")
            until(lambda: len(wire.requests) == 4)
            notebook.interrupt()
            assert notebook.outcome(cell) == "KeyboardInterrupt"
            until(wire.left.is_set)
            assert (
                notebook.run("""
print(blocking.users.get("u").user_id[:2], (await waiting.users.get("u")).user_id[:2])
await waiting.aclose()
blocking.close()
""")
                == "stdout: UO UO\n"
            )
    assert len(wire.requests) == 6


def test_an_interrupt_cancels_an_awaiting_cell(tmp_path: Path) -> None:
    with served(silence, answer()) as wire:
        with kernel(tmp_path, wire.url) as notebook:
            assert (
                notebook.run("""
import monocloud_async
client = monocloud_async.MonoCloudClient()
""")
                == ""
            )
            cell = notebook.start("await client.phones.set_primary('u', 'p')")
            until(lambda: wire.requests)
            notebook.interrupt()
            assert notebook.outcome(cell) == "CancelledError"
            assert len(wire.requests) == 1
            until(wire.left.is_set)
            assert (
                notebook.run("""
print((await client.users.get("u")).user_id[:2])
""")
                == "stdout: UO\n"
            )
