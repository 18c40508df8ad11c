"""The scripts run even when a shell that lacks their syntax starts them."""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHELLS = (["sh"], ["dash"], ["bash"], ["bash", "--posix"])
PRINTS_ITSELF = '#!/bin/sh\nprintf \'<%s>\' "${0##*/}" "$@"\n'

pytestmark = pytest.mark.skipif(os.name != "posix", reason="shell scripts")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with the scripts and a virtual environment that only prints its commands."""
    project = tmp_path / "a project"
    shutil.copytree(ROOT / "scripts", project / "scripts")
    (project / "pyproject.toml").write_text('dependencies = ["attrs>=24.2,<27"]\n')
    venv = project / "venv"
    make_venv = f"make_venv() {{ local extra=$1; VENV='{venv}'; printf '[%s]' \"$extra\"; }}\n"
    (project / "scripts" / "venv").write_text(make_venv)
    (venv / "bin").mkdir(parents=True)
    for name in ("python", "monocloud"):
        (venv / "bin" / name).write_text(PRINTS_ITSELF)
        (venv / "bin" / name).chmod(0o755)
    return project


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize(
    ("script", "printed"),
    [
        ("demo", "[cli]<monocloud><demo>"),
        ("test", "[test]<python><-m><pytest><-n><auto><--dist><worksteal><-k><a b>"),
        ("reliability", "[test]<python><-m><benchmarks.reliability><-k><a b>"),
        ("test_lowest", "[test]<python><-m><pytest><-n><auto><--dist><worksteal><-k><a b>"),
    ],
)
def test_a_script_runs_under_any_shell(
    script: str, printed: str, shell: list[str], project: Path
) -> None:
    if not shutil.which(shell[0]):
        pytest.skip(f"{shell[0]} is missing here")
    environment = {k: v for k, v in os.environ.items() if k not in ("EXTRA", "BASH_VERSION")}
    # The shell looks for a name without a slash in this folder first, and then on the PATH.
    for path, cwd in ((f"scripts/{script}", project), (script, project / "scripts")):
        done = subprocess.run(
            [*shell, path, "-k", "a b"],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, printed, "")


# What pip prints during an installation.
STEPS = """\
Obtaining file:///a
  Installing build dependencies: started
  Installing build dependencies: finished with status 'done'
Collecting aiohttp<4,>=3.11 (from monocloud==0.1.0)
  Downloading aiohttp-3.11.tar.gz (7 MB)
Installing collected packages: aiohttp
Successfully installed aiohttp-3.11
"""


def venv_with_pip(project: Path, ends_with: int = 0) -> dict[str, str]:
    """Make a virtual environment whose pip prints its steps; return the environment for it."""
    shutil.copy(ROOT / "scripts" / "venv", project / "scripts" / "venv")
    (project / "steps").write_text(STEPS)
    fake = (
        f"case $* in *'-m pip'*) cat '{project}/steps'; exit {ends_with};; *) echo 3.11.7;; esac\n"
    )
    (project / "venv" / "bin" / "python").write_text(f"#!/bin/sh\n{fake}")
    unset = {k: v for k, v in os.environ.items() if k not in ("PYTHON", "BASH_VERSION")}
    return {**unset, "MONOCLOUD_VENV": str(project / "venv")}


def test_an_installation_shows_its_steps_on_a_terminal(project: Path) -> None:
    env = venv_with_pip(project)
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        ["scripts/demo"], cwd=project, env=env, stdout=-1, stderr=terminal
    ) as demo:
        os.close(terminal)
        shown = b""
        with contextlib.suppress(OSError):  # raised on Linux when the other end is closed
            while more := os.read(controller, 4096):
                shown += more
        os.close(controller)
        assert demo.stdout
        assert demo.stdout.read() == b"<monocloud><demo>"
    begin, *lines = shown.decode().split("\r\x1b[K")
    assert "Installing monocloud[cli] into " in begin
    once = [
        "  Installing build dependencies",
        "  Collecting aiohttp<4,>=3.11 ",
        "  Downloading aiohttp-3.11.tar.gz ",
        "  Installing collected packages",
        "",
    ]
    # pip itself is upgraded first.
    assert lines == once * 2


def test_an_installation_is_quiet_elsewhere_but_shows_its_failure(project: Path) -> None:
    env = venv_with_pip(project)
    done = subprocess.run(["scripts/demo"], cwd=project, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "<monocloud><demo>")
    assert done.stderr.count("\n") == 1
    (project / "venv" / ".installed-cli").unlink()
    env = venv_with_pip(project, ends_with=1)
    done = subprocess.run(["scripts/demo"], cwd=project, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert "pip could not install monocloud[cli]" in done.stderr
