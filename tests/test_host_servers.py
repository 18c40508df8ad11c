"""Servers that fork: gunicorn with a preloaded application, and Celery's prefork worker."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import textwrap
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from .programs import SECONDS, Running, environment, posix, until
from .wire import PAGE, Step, Writer, answer, problem, served, silence

pytestmark = posix


def both_at_once() -> tuple[Step, Step]:
    """Return two steps that answer only once both requests have arrived."""
    both = asyncio.Event()

    async def first(writer: Writer) -> None:
        await both.wait()
        await answer()(writer)

    async def second(writer: Writer) -> None:
        both.set()
        await answer()(writer)

    return first, second


def write(directory: Path, **sources: str) -> None:
    for name, source in sources.items():
        (directory / f"{name}.py").write_text(textwrap.dedent(source))


# gunicorn

SITE = """
import os
from monocloud_sync import MonoCloudClient
client = MonoCloudClient()
BEFORE_FORK
def site(environ, start_response):
    user = client.users.get(environ["PATH_INFO"].strip("/"))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{os.getpid()} {user.user_id}".encode()]
"""
CONFIGURATION = """
bind = "127.0.0.1:0"
preload_app = True
workers = 2
graceful_timeout = 5
worker_tmp_dir = WORKER_TMP
control_socket_disable = True
def when_ready(server):
    print("ready", server.LISTENERS[0].sock.getsockname()[1], flush=True)
def child_exit(server, worker):
    print("gone", worker.pid, flush=True)
"""


@contextmanager
def gunicorn(directory: Path, url: str, *options: str, before_fork: str = "") -> Iterator[Running]:
    write(
        directory,
        site_of_ours=SITE.replace("BEFORE_FORK", before_fork),
        configuration=CONFIGURATION.replace("WORKER_TMP", repr(str(directory))),
    )
    arguments = [sys.executable, "-m", "gunicorn", "-c", "configuration.py", *options]
    env = {**environment(url), "HOME": str(directory)}
    with Running([*arguments, "site_of_ours:site"], env, directory) as running:
        yield running


def get(port: str, path: str) -> list[str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=20) as response:
        return response.read().decode().split()


def answered(port: str, path: str) -> list[str]:
    """Get a page; retry if a worker that was about to exit dropped the request."""
    for _ in range(5):
        with suppress(ConnectionResetError):
            return get(port, path)
    return get(port, path)


@pytest.mark.parametrize("before_fork", ["", "client.users.get('before')"])
def test_gunicorn_workers_use_a_preloaded_client(tmp_path: Path, before_fork: str) -> None:
    first = (answer(),) if before_fork else ()
    # Two requests at once, so each of the two workers gets one.
    with served(*first, *both_at_once()) as wire, ThreadPoolExecutor(2) as threads:
        with gunicorn(tmp_path, wire.url, before_fork=before_fork) as running:
            port = running.line("ready")
            answers = list(threads.map(get, [port, port], ["u", "u"]))
            assert [user_id for _, user_id in answers] == [PAGE["user_id"]] * 2
            running.signal(signal.SIGTERM)
            assert running.end(seconds=20) == 0
            assert "Traceback" not in running.stderr
    workers = {pid for pid, _ in answers}
    assert len(workers - {str(running.pid)}) == 2
    assert wire.connections == len(wire.requests) == 2 + len(first)


def test_gunicorn_threads_share_the_client(tmp_path: Path) -> None:
    options = "--worker-class", "gthread", "--threads", "4"
    with served(answer()) as wire, ThreadPoolExecutor(16) as threads:
        with gunicorn(
            tmp_path, wire.url, *options, before_fork="client.users.get('before')"
        ) as running:
            port = running.line("ready")
            answers = list(threads.map(get, [port] * 100, ["u"] * 100))
            assert {user_id for _, user_id in answers} == {PAGE["user_id"]}
            running.signal(signal.SIGTERM)
            assert running.end(seconds=20) == 0
            assert "Traceback" not in running.stderr
    assert len(wire.requests) == 101
    assert wire.connections <= 1 + 2 * 4


def test_calls_succeed_while_gunicorn_renews_its_workers(tmp_path: Path) -> None:
    with served(answer()) as wire:
        with gunicorn(
            tmp_path, wire.url, "--max-requests", "3", before_fork="client.users.get('before')"
        ) as running:
            port = running.line("ready")
            seen = {answered(port, "u")[0] for _ in range(20)}
            assert len(seen) >= 4
            running.signal(signal.SIGTERM)
            assert running.end(seconds=20) == 0
            assert "Traceback" not in running.stderr
    assert len(wire.requests) == 21


@pytest.mark.slow
def test_a_gunicorn_worker_killed_by_the_timeout_ends_its_call(tmp_path: Path) -> None:
    with served(silence, answer()) as wire:
        with gunicorn(tmp_path, wire.url, "--timeout", "1", "--workers", "1") as running:
            port = running.line("ready")
            with pytest.raises(OSError):
                get(port, "slow")
            until(wire.left.is_set)
            assert get(port, "u")[1] == PAGE["user_id"]
            running.signal(signal.SIGTERM)
            assert running.end(seconds=20) == 0


# Celery

JOBS = """
import os, sys
from celery import Celery, signals
from celery.exceptions import SoftTimeLimitExceeded
from monocloud_sync import MonoCloudClient

app = Celery("jobs", broker="filesystem://", backend="file://" + os.path.abspath("results"))
app.conf.update(
    broker_transport_options={
        "data_folder_in": "queue",
        "data_folder_out": "queue",
        "control_folder": "control",
        "polling_interval": 0.02,
    },
    broker_connection_retry_on_startup=True,
    worker_redirect_stdouts=False,
    result_serializer="pickle",
    result_accept_content=["pickle"],
)
client = MonoCloudClient()

@signals.worker_ready.connect
def ready(**_):
    print("ready", flush=True)

@app.task
def primary():
    return os.getpid(), client.phones.set_primary("u", "p").user_id

@app.task(soft_time_limit=1)
def limited():
    try:
        return client.phones.set_primary("u", "p").user_id
    except SoftTimeLimitExceeded:
        return os.getpid(), "limited"

@app.task
def missing():
    client.users.get("u")

if "worker" in sys.argv:
    client.users.get("before")
"""
SENDING = """
import jobs, sys
for name in sys.argv[1:]:
    result = getattr(jobs, name).delay()
    value = result.get(timeout=30, interval=0.02, propagate=False)
    print(*(value if isinstance(value, (list, tuple)) else [type(value).__name__, value.status]))
"""


@contextmanager
def celery(directory: Path, url: str, *options: str) -> Iterator[Running]:
    write(directory, jobs=JOBS, sending=SENDING)
    for folder in "queue", "control", "results":
        (directory / folder).mkdir()
    arguments = [sys.executable, "-m", "celery", "-A", "jobs", "worker", "--pool", "prefork"]
    quiet = "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"
    with Running([*arguments, *quiet, *options], environment(url), directory) as running:
        running.line("ready")
        yield running


def results(directory: Path, url: str, *tasks: str) -> list[list[str]]:
    """Run tasks one after another, and return the words of their results."""
    done = subprocess.run(
        [sys.executable, "sending.py", *tasks],
        cwd=directory,
        env=environment(url),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [line.split() for line in done.stdout.splitlines()]


def test_celery_children_work_with_a_used_client(tmp_path: Path) -> None:
    # The time limit is real: its signal interrupts the call. The error is pickled.
    steps = answer(), answer(), silence, answer(), problem(404)
    with served(*steps) as wire:
        with celery(tmp_path, wire.url, "--concurrency", "1") as running:
            tasks = "primary", "limited", "primary", "missing"
            before, limited, after, missing = results(tmp_path, wire.url, *tasks)
            until(wire.left.is_set)
            # Celery itself may already have logged one traceback, of the failed task.
            assert running.stderr.count("Traceback (most") <= 1
    assert before[1] == after[1] == PAGE["user_id"]
    assert limited[1] == "limited"
    assert before[0] == limited[0] == after[0] != str(running.pid)
    assert missing == ["NotFoundError", "404"]
    # One each: the parent, the child, and the child after the time limit ended its connection.
    assert (wire.connections, len(wire.requests)) == (3, 5)


def test_tasks_succeed_while_celery_renews_its_processes(tmp_path: Path) -> None:
    with served(answer()) as wire:
        options = "--concurrency", "1", "--max-tasks-per-child", "1"
        with celery(tmp_path, wire.url, *options):
            outcomes = results(tmp_path, wire.url, "primary", "primary", "primary")
    assert len({pid for pid, _ in outcomes}) == 3
    assert (wire.connections, len(wire.requests)) == (4, 4)
