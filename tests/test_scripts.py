"""The scripts, begun by shells that do not know half of what is in them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHELLS = (["sh"], ["dash"], ["bash"], ["bash", "--posix"])
SAYS = '#!/bin/sh\nprintf \'<%s>\' "${0##*/}" "$@"\n'

pytestmark = pytest.mark.skipif(os.name != "posix", reason="shell scripts")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repo with the scripts, whose virtual environment only says what is asked of it."""
    project = tmp_path / "a project"
    shutil.copytree(ROOT / "scripts", project / "scripts")
    (project / "pyproject.toml").write_text('dependencies = ["attrs>=24.2,<27"]\n')
    venv = project / "venv"
    making = f"make_venv() {{ local extra=$1; VENV='{venv}'; printf '[%s]' \"$extra\"; }}\n"
    (project / "scripts" / "venv").write_text(making)
    (venv / "bin").mkdir(parents=True)
    for name in ("python", "monocloud"):
        (venv / "bin" / name).write_text(SAYS)
        (venv / "bin" / name).chmod(0o755)
    return project


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("demo", "[cli]<monocloud><demo>"),
        ("test", "[test]<python><-m><pytest><-n><auto><--dist><worksteal><-k><a b>"),
        ("reliability", "[test]<python><-m><benchmarks.reliability><-k><a b>"),
        ("test_lowest", "[test]<python><-m><pytest><-n><auto><--dist><worksteal><-k><a b>"),
    ],
)
def test_a_script_runs_whichever_shell_it_is_given_to(
    script: str, said: str, shell: list[str], project: Path
) -> None:
    if not shutil.which(shell[0]):
        pytest.skip(f"{shell[0]} is missing here")
    environment = {k: v for k, v in os.environ.items() if k not in ("EXTRA", "BASH_VERSION")}
    # A name without a slash is looked for here first, and only then on the PATH.
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
        assert (done.returncode, done.stdout, done.stderr) == (0, said, "")
