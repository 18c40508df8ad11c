"""The programs and commands of the tutorials do what their pages say."""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from monocloud_async import UnauthorizedError
from monocloud_async.emulator import PHONE_ID, USER_ID
from monocloud_async.resources import UsersResource
from monocloud_sync.emulator import Emulator

from . import commands
from .documents import ROOT, blocks
from .wire import problem, served, silence

TUTORIALS = ROOT / "docs" / "tutorials"
WEB_APP = TUTORIALS / "web-app.md"
DJANGO = blocks(TUTORIALS / "legacy-code.md")[0].code
BATCH_JOB = TUTORIALS / "batch-job.md"
BATCH = next(block.code for block in blocks(BATCH_JOB) if "client.many(" in block.code)
MOVING_USERS = blocks(BATCH_JOB, "sh")[-1].code
COMMANDS, MORE_COMMANDS = (
    block.code for block in blocks(ROOT / "docs" / "guide" / "command-line.md", "sh")
)


@pytest.fixture
def tenant(monocloud_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    monkeypatch.setenv("MONOCLOUD_MANAGEMENT_DOMAIN", monocloud_emulator.url)
    monkeypatch.setenv("MONOCLOUD_MANAGEMENT_API_KEY", monocloud_emulator.api_key)
    return monocloud_emulator


def primary(tenant: Emulator) -> str | None:
    phone = tenant.user(USER_ID).primary_phone
    return phone and phone.id


def run(code: str, tmp_path: Path, name: str = "snippet") -> dict[str, Any]:
    path = tmp_path / f"{name}.py"
    path.write_text(code)
    return runpy.run_path(str(path), run_name=name)


def test_the_web_app_works(
    tenant: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    testclient = pytest.importorskip("fastapi.testclient")
    app, errors = (block.code for block in blocks(WEB_APP)[:2])
    (tmp_path / "errors.py").write_text(errors)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "errors", raising=False)
    with testclient.TestClient(run(app, tmp_path)["app"]) as client:
        done = client.post(f"/users/{USER_ID}/primary-phone/{PHONE_ID}")
        missing = client.post(f"/users/{USER_ID}/primary-phone/nope")
        no_id = client.post(f"/users/{USER_ID}/primary-phone/%20")
    sys.modules.pop("errors")
    assert done.status_code == 200
    assert done.json()["primary"].startswith("+")
    assert (missing.status_code, no_id.status_code) == (404, 404)
    assert primary(tenant) == PHONE_ID


def test_the_django_view_works(tenant: Emulator, tmp_path: Path) -> None:
    code = DJANGO
    (tmp_path / "views.py").write_text(code)
    script = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import django
from django.conf import settings
settings.configure(ROOT_URLCONF="views", ALLOWED_HOSTS=["*"], SECRET_KEY="x")
django.setup()
from django.test import Client
done = Client().post("/users/{USER_ID}/primary-phone/{PHONE_ID}")
missing = Client().post("/users/{USER_ID}/primary-phone/nope")
no_id = Client().post("/users/{USER_ID}/primary-phone/%20")
read = Client().get("/users/{USER_ID}/primary-phone/{PHONE_ID}")
assert done.json()["primary"].startswith("+")
print(*(answer.status_code for answer in (done, missing, no_id, read)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    assert done.stdout == "200 404 404 405\n", done.stderr
    assert primary(tenant) == PHONE_ID


def test_the_django_view_passes_the_checks_without_settings(tmp_path: Path) -> None:
    (tmp_path / "views.py").write_text(DJANGO)
    script = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import django
from django.conf import settings
settings.configure(ROOT_URLCONF="views", ALLOWED_HOSTS=["*"], SECRET_KEY="x")
django.setup()
from django.core.management import call_command
call_command("check")
"""
    unset = {n: v for n, v in os.environ.items() if not n.startswith("MONOCLOUD_MANAGEMENT_")}
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=Path(__file__).parents[1],
        env=unset,
    )
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_the_batch_job_stops_when_the_key_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, replaced = re.subn(r"^rows = .*$", "rows = [('u',)] * 1000", BATCH, flags=re.MULTILINE)
    assert replaced == 1
    with served(problem(401), silence) as wire:
        monkeypatch.setenv("MONOCLOUD_MANAGEMENT_DOMAIN", wire.url)
        monkeypatch.setenv("MONOCLOUD_MANAGEMENT_API_KEY", "key")
        with pytest.raises(UnauthorizedError):
            run(code, tmp_path)
    # At most one line for each call in flight.
    assert len(capsys.readouterr().out.splitlines()) < 16


def test_the_commands_work(tenant: Emulator) -> None:
    lines = [line for line in COMMANDS.splitlines() if line.startswith("monocloud ")]
    assert lines
    for line in lines:
        # Without jq, which may be missing, as the console script of this environment.
        args = shlex.split(line.partition("|")[0])[1:]
        done = commands.run(*args)
        assert (done.returncode, done.stderr) == (0, "")
    assert "phone_numbers" in json.loads(done.stdout)
    assert primary(tenant) == PHONE_ID


def test_the_other_commands_work(tenant: Emulator, tmp_path: Path) -> None:
    deletes = (UsersResource.delete.__doc__ or "").splitlines()[0]
    (tmp_path / "new-password").write_text("A-Long-Passphrase-1\n")
    printed: dict[str, str] = {}
    for line in MORE_COMMANDS.splitlines():
        # Without jq, which may be missing, and without the comment at the end.
        args = shlex.split(line.partition("|")[0], comments=True)[1:]
        done = commands.run(*args, cwd=tmp_path)
        message = f"Nothing was changed. Without --dry-run: {deletes}\n"
        assert (done.returncode, done.stderr) == (0, message if "--dry-run" in args else "")
        printed[" ".join(args[:2])] = done.stdout
    assert json.loads(printed["users list"])["user_id"] == USER_ID
    assert json.loads(printed["request GET"])[0]["group_name"] == "Editors"
    user = tenant.user(USER_ID)
    assert (user.claims or {})["given_name"] == "Ada"
    assert (user.private_data or {})["crm_id"] == 7


def in_a_shell(commands: str, directory: Path) -> subprocess.CompletedProcess[str]:
    # This function stands in for the installed command.
    script = f'set -e\nmonocloud() {{ "{sys.executable}" -m monocloud_async.cli "$@"; }}\n'
    return subprocess.run(
        ["bash", "-c", script + commands],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )


def test_users_are_moved(tenant: Emulator, tmp_path: Path) -> None:
    done = in_a_shell(MOVING_USERS, tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "2 users exported"
    assert lines[-1] == "2 rows: 0 would be created, 2 already exist, 0 failed, 0 skipped"
    assert len((tmp_path / "users.jsonl").read_text().splitlines()) == 2
