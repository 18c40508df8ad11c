"""Fresh processes without fresh imports: a server imports the SDK once, then forks each process.

Each process starts like `python -c` after its imports: the main thread runs the source in an empty
`__main__`, and the process ends as the interpreter does. Such a process cannot test imports,
anything registered before them, or how an interpreter starts.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import traceback
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

ROOT = Path(__file__).parents[1]
_FILES = 8
_NUMBER = 8  # bytes
_servers: list[Server] = []


# In the test process


class Server:
    """A server whose interpreter has the given flags and imported modules."""

    def __init__(self, flags: Sequence[str], modules: Sequence[str]) -> None:
        self.socket, theirs = socket.socketpair()
        env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        with theirs:
            number = theirs.fileno()
            self._process = subprocess.Popen(
                [sys.executable, *flags, __file__, str(number), *modules],
                env={**env, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                pass_fds=[number],
            )

    def close(self) -> None:
        self.socket.close()
        self._process.wait()


@functools.cache
def server(flags: tuple[str, ...], modules: tuple[str, ...]) -> Server:
    """Return the server with these flags and modules; it is started once."""
    made = Server(flags, modules)
    _servers.append(made)
    return made


def close_all() -> None:
    while _servers:
        _servers.pop().close()
    server.cache_clear()


class Forked:
    """A process forked by a server, with the part of `subprocess.Popen` that tests use.

    It leads its own session with `start_new_session`. `subprocess.PIPE` makes a stream a pipe, and
    our end becomes an attribute here. A stream may also be a file; None discards it.
    """

    def __init__(
        self,
        server: Server,
        source: str,
        arguments: Sequence[str] = (),
        *,
        env: Mapping[str, str],
        cwd: Path | None = None,
        stdin: Any = None,
        stdout: Any = subprocess.PIPE,
        stderr: Any = subprocess.PIPE,
        start_new_session: bool = False,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.args = arguments
        self.returncode: int | None = None
        job = {
            "source": source,
            "argv": ["-c", *map(str, arguments)],
            "env": dict(env),
            "cwd": str(cwd or ROOT),
            "session": start_new_session,
            "fds": list(pass_fds),
        }
        self._socket, theirs = socket.socketpair()
        with contextlib.ExitStack() as given:
            given.enter_context(theirs)
            self.stdin, read = _stream(stdin, "w", given)
            self.stdout, out = _stream(stdout, "r", given)
            self.stderr, err = _stream(stderr, "r", given)
            socket.send_fds(server.socket, [b"x"], [theirs.fileno(), read, out, err, *pass_fds])
        self._socket.sendall(json.dumps(job).encode() + b"\n")
        self.pid = _number(self._socket)

    def __enter__(self) -> Forked:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream:
                stream.close()
        self.wait()

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0.000_001)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self._socket.settimeout(timeout)
            try:
                self.returncode = _number(self._socket)
            except TimeoutError:
                raise subprocess.TimeoutExpired("a forked process", timeout or 0.0) from None
            self._socket.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Read all output, and wait for the process to end."""
        output = ["", ""]

        def read(number: int, stream: IO[str]) -> None:
            output[number] = stream.read()

        streams = [(n, s) for n, s in enumerate((self.stdout, self.stderr)) if s]
        readers = [threading.Thread(target=read, args=pair, daemon=True) for pair in streams]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join()
        return output[0], output[1]


def _stream(given: Any, mode: str, closing: contextlib.ExitStack) -> tuple[IO[str] | None, int]:
    """Return this process's end of a stream, and the file descriptor of the other end."""
    if given is None or given == subprocess.DEVNULL:
        nowhere = os.open(os.devnull, os.O_RDWR)
        closing.callback(os.close, nowhere)
        return None, nowhere
    if given != subprocess.PIPE:
        return None, given if isinstance(given, int) else given.fileno()
    reading, writing = os.pipe()
    ours, theirs = (reading, writing) if mode == "r" else (writing, reading)
    closing.callback(os.close, theirs)
    return os.fdopen(ours, mode), theirs


def _number(connection: socket.socket) -> int:
    if not (data := connection.recv(_NUMBER)):
        raise EOFError("the fork server closed the connection")
    return int.from_bytes(data, "big", signed=True)


# In the server process


def _send_number(client: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):
        client.sendall(number.to_bytes(_NUMBER, "big", signed=True))


def _next_job(control: socket.socket) -> tuple[socket.socket, list[int]] | None:
    """Fork for each requested job; return the job in the child, and None when the server ends."""
    while True:
        _, fds, _, _ = socket.recv_fds(control, 1, _FILES)
        if not fds:
            control.close()
            return None
        if os.fork() == 0:
            control.close()
            return socket.socket(fileno=fds[0]), fds[1:]
        for number in fds:
            os.close(number)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _wait_for_child(client: socket.socket, fds: Sequence[int]) -> None:
    """Fork again, and report how the child ended; only the child returns."""
    if pid := os.fork():
        for number in (0, 1, 2, *fds):
            os.close(number)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        _send_number(client, status)
        os._exit(0)


def _begin(client: socket.socket, fds: Sequence[int]) -> str:
    """Set this process up as the job asks; return its source."""
    job = json.loads(client.makefile().readline())
    if job["session"]:
        os.setsid()
    for number, wanted in zip(fds, (0, 1, 2, *job["fds"]), strict=True):
        # The descriptors passed on keep the caller's numbers, which are above those in use here.
        os.dup2(number, wanted)
    for number in set(fds) - {0, 1, 2, *job["fds"]}:
        os.close(number)
    _open_streams()
    os.environ.clear()
    os.environ.update(job["env"])
    os.chdir(job["cwd"])
    sys.argv = job["argv"]
    sys.path[0] = ""
    _send_number(client, os.getpid())
    client.close()
    return job["source"]


def _open_streams() -> None:
    """Open the standard streams as the interpreter does."""
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # noqa: SIM115
    unbuffered = sys.stdout.write_through
    for number, name, errors in ((1, "stdout", "strict"), (2, "stderr", "backslashreplace")):
        raw = open(number, "wb", 0 if unbuffered else -1, closefd=False)  # noqa: SIM115
        stream = io.TextIOWrapper(
            raw,
            errors=errors,
            line_buffering=number == 2 or os.isatty(number),
            write_through=unbuffered,
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _serve() -> str | None:
    """Serve; return a source in each forked process, and None in the server."""
    for name in sys.argv[2:]:
        # A trailing question mark names a module that only some versions of a package have.
        with contextlib.suppress(*[ModuleNotFoundError] * name.endswith("?")):
            importlib.import_module(name.rstrip("?"))
    gc.collect()
    gc.freeze()
    job = _next_job(socket.socket(fileno=int(sys.argv[1])))
    if job is None:
        return None
    try:
        _wait_for_child(*job)
        return _begin(*job)
    except BaseException:
        traceback.print_exc()
        os._exit(125)


if __name__ == "__main__":
    _source = _serve()
    if _source is not None:
        # Nothing else may keep `__main__` alive: it is torn down as early as under `python -c`.
        sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(_source, "<string>", "exec"), vars(sys.modules["__main__"]))
