"""The image and the compose file work, and expose no more than they must."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from monocloud_sync.emulator import PHONE_ID, USER_ID, Emulator

from .commands import started

ROOT = Path(__file__).parents[1]


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile, with continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines if line.strip()]


def last(name: str) -> str:
    return [value for one, value in instructions() if one == name][-1]


def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return document


@contextmanager
def served(port: int) -> Iterator[str]:
    """Run the image's command on a loopback port."""
    command = json.loads(last("ENTRYPOINT")) + json.loads(last("CMD"))
    assert command[:2] == ["monocloud", "emulator"]
    args = ["127.0.0.1" if one == "0.0.0.0" else one for one in command[1:]]
    args = [str(port) if one == "8080" else one for one in args]
    with started(*args) as process:
        assert process.stdout
        for line in process.stdout:
            if "in a browser" in line:
                break
        yield f"http://127.0.0.1:{port}"


def health(port: int) -> int:
    options, _, command = last("HEALTHCHECK").partition("CMD ")
    assert "--interval=" in options
    assert "--timeout=" in options
    python, *args = json.loads(command)
    assert python == "python"
    args = [arg.replace("8080", str(port)) for arg in args]
    done = subprocess.run([sys.executable, *args], capture_output=True, timeout=30, check=False)
    return done.returncode


def test_the_image_serves_and_reports_its_health(unused_port: int) -> None:
    assert health(unused_port) != 0
    with served(unused_port):
        assert health(unused_port) == 0
    assert health(unused_port) != 0


def test_the_image_is_slim_and_does_not_run_as_root() -> None:
    names = [name for name, _ in instructions()]
    assert names.count("FROM") == 2
    assert all("-slim" in value for name, value in instructions() if name == "FROM")
    assert re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", last("USER"))
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert last("EXPOSE") == "8080"
    assert not re.search(r"(?i)secret|password|token|api_?key", str(instructions()))


def test_the_image_copies_all_sources_of_the_wheel() -> None:
    copied = [value.split()[:-1] for name, value in instructions() if name == "COPY"]
    sources = {source for sources in copied for source in sources if "--from" not in sources[0]}
    for source in sources:
        assert (ROOT / source).exists()
    included = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if "!" in line
    }
    assert sources == included
    built = (ROOT / "pyproject.toml").read_text()
    packages = re.search(r"^packages = (\[.*\])", built, re.MULTILINE)
    assert packages
    assert {*json.loads(packages[1]), "README.md", "LICENSE", "pyproject.toml"} == sources


def test_compose_publishes_ports_only_on_this_machine() -> None:
    services = compose()["services"]
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True
    app, emulator = services["app"], services["emulator"]
    assert app["depends_on"] == {"emulator": {"condition": "service_healthy"}}
    assert app["environment"]["MONOCLOUD_MANAGEMENT_DOMAIN"] == "http://emulator:8080"
    assert emulator["ports"] == ["127.0.0.1:8080:8080"]
    for volume in app["volumes"]:
        assert (ROOT / volume.split(":")[0]).is_file()


def test_the_app_service_sets_a_primary_phone() -> None:
    app = compose()["services"]["app"]
    (volume,) = app["volumes"]
    source, target, _ = volume.split(":")
    assert app["entrypoint"] == ["python", target]
    with Emulator(api_key=app["environment"]["MONOCLOUD_MANAGEMENT_API_KEY"]) as emulator:
        domain = {"MONOCLOUD_MANAGEMENT_DOMAIN": emulator.url}
        done = subprocess.run(
            [sys.executable, ROOT / source],
            env={**os.environ, "PYTHONPATH": str(ROOT), **app["environment"], **domain},
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        primary = emulator.user(USER_ID).primary_phone
    assert primary
    assert primary.id == PHONE_ID
    assert str(primary.phone) in done.stdout


@pytest.mark.parametrize(
    ("value", "code", "printed"),
    [
        ("1", 1, "no.such.host.invalid"),
        ("", 2, "http://"),
        ("0", 2, "http://"),
        ("yes", 2, "MONOCLOUD_ALLOW_INSECURE_HTTP must be 1 or 0"),
    ],
)
def test_the_command_line_accepts_plain_http_only_when_enabled(
    value: str, code: int, printed: str
) -> None:
    env = {
        **os.environ,
        "MONOCLOUD_MANAGEMENT_DOMAIN": "http://no.such.host.invalid:8080",
        "MONOCLOUD_MANAGEMENT_API_KEY": "emulator-key",
        "MONOCLOUD_ALLOW_INSECURE_HTTP": value,
    }
    done = subprocess.run(
        [sys.executable, "-m", "monocloud_async.cli", *shlex.split("users get u --max-attempts 1")],
        env=env,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == code
    assert printed in done.stderr
