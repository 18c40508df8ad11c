"""Fresh processes without fresh imports: a server that has imported the SDK once forks each one.

A process begins as one of `python -c` does after its imports: its main thread runs the source in
an empty `__main__`, and its end is the interpreter's own. What such a process cannot show is
anything about imports, about what is registered before them, or about how an interpreter starts.
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
_NUMBER = 8  # bytes of one
_servers: list[Server] = []


# In the tests' process


class Server:
    """A server whose interpreter has some flags, and has imported some modules."""

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
    """Return the server with these flags and modules, which is started once."""
    made = Server(flags, modules)
    _servers.append(made)
    return made


def close_all() -> None:
    while _servers:
        _servers.pop().close()
    server.cache_clear()


class Forked:
    """A process of a server, with as much of `subprocess.Popen` as tests use of it.

    It leads a session of its own where `start_new_session` says so. A stream is a pipe, whose end
    is an attribute here, where it is `subprocess.PIPE`; a file; or, if None, leads nowhere.
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
        """Read all that it says, and wait for its end."""
        said = ["", ""]

        def read(number: int, stream: IO[str]) -> None:
            said[number] = stream.read()

        streams = [(n, s) for n, s in enumerate((self.stdout, self.stderr)) if s]
        readers = [threading.Thread(target=read, args=pair, daemon=True) for pair in streams]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join()
        return said[0], said[1]


def _stream(given: Any, mode: str, closing: contextlib.ExitStack) -> tuple[IO[str] | None, int]:
    """Return this process's end of a stream, and the number of the other's."""
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


def _number(told: socket.socket) -> int:
    if not (data := told.recv(_NUMBER)):
        raise EOFError("the server of forks said no more")
    return int.from_bytes(data, "big", signed=True)


# In the server's


def _tell(client: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):
        client.sendall(number.to_bytes(_NUMBER, "big", signed=True))


def _next_job(control: socket.socket) -> tuple[socket.socket, list[int]] | None:
    """Fork for each job that is asked for; return it in the child, and None at the server's end."""
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


def _keep(client: socket.socket, fds: Sequence[int]) -> None:
    """Fork the process itself, and tell how it ended; the child alone returns."""
    if pid := os.fork():
        for number in (0, 1, 2, *fds):
            os.close(number)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        _tell(client, status)
        os._exit(0)


def _begin(client: socket.socket, fds: Sequence[int]) -> str:
    """Make this process what a job says; return its source."""
    job = json.loads(client.makefile().readline())
    if job["session"]:
        os.setsid()
    for number, wanted in zip(fds, (0, 1, 2, *job["fds"]), strict=True):
        # Numbers that are passed on are the caller's, and above those that are in use here.
        os.dup2(number, wanted)
    for number in set(fds) - {0, 1, 2, *job["fds"]}:
        os.close(number)
    _open_streams()
    os.environ.clear()
    os.environ.update(job["env"])
    os.chdir(job["cwd"])
    sys.argv = job["argv"]
    sys.path[0] = ""
    _tell(client, os.getpid())
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
    """Serve; return a source in each process that is forked, and None in the server."""
    for name in sys.argv[2:]:
        # With a question mark, it is a module that some versions of a package have.
        with contextlib.suppress(*[ModuleNotFoundError] * name.endswith("?")):
            importlib.import_module(name.rstrip("?"))
    gc.collect()
    gc.freeze()
    job = _next_job(socket.socket(fileno=int(sys.argv[1])))
    if job is None:
        return None
    try:
        _keep(*job)
        return _begin(*job)
    except BaseException:
        traceback.print_exc()
        os._exit(125)


if __name__ == "__main__":
    _source = _serve()
    if _source is not None:
        # Nothing else may hold on to it: it is taken down as early as that of `python -c`.
        sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(_source, "<string>", "exec"), vars(sys.modules["__main__"]))
