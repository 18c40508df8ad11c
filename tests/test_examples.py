"""The examples, run as their readers run them.

Most examples have their own tests, which testpaths adds to this suite. These tests cover what
needs a process, and what all examples have in common.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from monocloud_sync import MonoCloudClient
from monocloud_sync.emulator import PHONE_ID, USER_ID, Emulator, Fault

from .commands import run
from .conftest import API_KEY, DOMAIN
from .programs import FLAGS, ROOT, SECONDS, Running, environment, posix

EXAMPLES = sorted(path for path in (ROOT / "examples").iterdir() if (path / "README.md").exists())
PYPROJECT = (ROOT / "pyproject.toml").read_text()


def run_in(folder: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in an example's folder, without any MonoCloud settings."""
    env = {k: v for k, v in environment("").items() if not k.startswith("MONOCLOUD_")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT / "examples" / folder,
        env={**env, "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_states_how_to_run_it_and_what_it_needs(example: Path) -> None:
    text = (example / "README.md").read_text()
    assert "monocloud emulator" in text
    assert "MONOCLOUD_MANAGEMENT_DOMAIN" in text
    assert len(text.splitlines()) < 40
    for line in (example / "requirements.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, floor = re.fullmatch(r"([\w-]+)(?:\[[\w,]+\])?(>=[\d.]+,<\d+)", line).groups()
            # The minimum versions are those that the suite tests with the lowest dependencies.
            assert name in ("monocloud", "jupyterlab") or f'"{name}{floor}' in PYPROJECT


def test_pytest_runs_in_an_example_s_folder() -> None:
    done = run_in("fastapi", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^7 passed", done.stdout, re.MULTILINE)


def test_django_runs_its_tests_and_checks_without_settings() -> None:
    done = run_in("django", *FLAGS, "manage.py", "test")
    assert (done.returncode, done.stderr.split()[-1]) == (0, "OK"), done.stderr
    assert "Found 4 test(s)." in done.stdout + done.stderr


def post(url: str) -> tuple[int, dict[str, str]]:
    request = urllib.request.Request(url, method="POST")
    with urllib.request.urlopen(request, timeout=20) as response:
        return response.status, json.load(response)


CONFIGURATION = """
bind = "127.0.0.1:0"
preload_app = True
workers = 2
control_socket_disable = True
def when_ready(server):
    print("at", server.LISTENERS[0].sock.getsockname()[1], flush=True)
"""


@posix
def test_django_runs_under_forking_gunicorn(tmp_path: Path) -> None:
    configuration = tmp_path / "configuration.py"
    configuration.write_text(CONFIGURATION)
    command = [sys.executable, "-m", "gunicorn", "-c", str(configuration), "project.wsgi"]
    with Emulator(faults=[Fault(connection="reset", executed=True, times=1)]) as emulator:
        env = {**environment(emulator.url), "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
        env["MONOCLOUD_MANAGEMENT_API_KEY"] = emulator.api_key
        with (
            Running(command, env, ROOT / "examples/django") as running,
            ThreadPoolExecutor(8) as threads,
        ):
            site = f"http://127.0.0.1:{running.line('at')}"
            answers = threads.map(post, [f"{site}/users/{USER_ID}/primary-phone/{PHONE_ID}"] * 20)
            assert set(map(str, answers)) == {str((200, {"primary": "+441632960961"}))}
            assert "Traceback" not in running.stderr
        assert emulator.user(USER_ID).primary_phone.id == PHONE_ID
        # The reset request was sent again, and nothing else was.
        assert emulator.counts.requests == 21


@posix
def test_a_migration_imports_and_verifies_users(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "migration"
    shutil.copytree(ROOT / "examples/migration", folder)
    command = tmp_path / "monocloud"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m monocloud_async.cli "$@"\n')
    command.chmod(0o755)

    def step(name: str) -> tuple[int, str]:
        env = {**environment(emulator.url), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        env["MONOCLOUD_MANAGEMENT_API_KEY"] = emulator.api_key
        done = subprocess.run(
            [folder / "migrate.sh", name],
            cwd=folder,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return done.returncode, done.stdout

    lost = Fault(operation="users.create", connection="reset", executed=True, times=1)
    with Emulator([], faults=[lost]) as emulator:
        code, output = step("dry-run")
        assert (code, emulator.executions) == (0, 0)
        assert "1 row not imported: no email, phone number or username to sign in with" in output
        assert "5 rows: 4 would be created, 0 already exist, 0 failed, 1 skipped" in output
        code, output = step("import")
        assert code == 0
        assert "5 rows: 4 created, 0 existed, 0 failed, 1 skipped" in output
        assert emulator.executions_of("users.create") == 4
        code, output = step("verify")
        assert (code, output.splitlines()[-1]) == (
            0,
            "4 of 4 users are in the tenant as they were exported",
        )
        changes = emulator.executions
        with MonoCloudClient(emulator.url, emulator.api_key) as client:
            ada, ben = (user["user_id"] for user in emulator.export()[:2])
            client.users.delete(ada)
            client.users.patch_claims(ben, name="Somebody Else")
        settings = {DOMAIN: emulator.url, API_KEY: emulator.api_key}
        again = "--from", "auth0", "--dry-run", "--results", folder / "check.csv"
        assert run("users", "import", folder / "users.json", *again, env=settings).returncode == 0
        assert emulator.executions == changes + 2
    verify = runpy.run_path(str(folder / "verify.py"))["main"]
    assert verify(str(folder / "results.csv"), str(folder / "check.csv")) == 1
    assert capsys.readouterr().out.splitlines() == [
        "auth0|5f01 is not in the tenant",
        'auth0|5f02 differs in claims.name: the row has "Ben Summer", the user has "Somebody Else"',
        "2 of 4 users are in the tenant as they were exported",
    ]


def test_a_verification_misses_no_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = "line,source_id,status,user_id,differences,error\n"
    (tmp_path / "results.csv").write_text(
        f"{header}"
        "1,,failed,,,not an email address\n"
        "2,,failed,,,not a number\n"
        "3,,skipped,,,\n"
        "4,auth0|1,skipped,,,not sent: the run ended first\n"
        "5,auth0|2,created,u2,,\n"
    )
    (tmp_path / "check.csv").write_text(
        f"{header}4,auth0|1,would be created,,,\n5,auth0|2,already exists,u2,,\n"
    )
    verify = runpy.run_path(str(ROOT / "examples/migration/verify.py"))["main"]
    assert verify(str(tmp_path / "results.csv"), str(tmp_path / "check.csv")) == 1
    assert capsys.readouterr().out.splitlines() == [
        "line 1 was not imported: not an email address",
        "line 2 was not imported: not a number",
        "auth0|1 was not imported: not sent: the run ended first",
        "1 of 4 users are in the tenant as they were exported",
    ]


def test_the_pages_include_files_that_exist() -> None:
    texts = [page.read_text() for page in (ROOT / "docs/how-to").glob("*.md")]
    paths = [re.findall(r"^--8<--\n(.+)\n--8<--$", text, re.MULTILINE) for text in texts]
    assert len([found for found in paths if found]) >= 6
    for text, found in zip(texts, paths, strict=True):
        assert text.count("8<") == 2 * len(found)
        assert [path for path in found if not (ROOT / path).is_file()] == []
