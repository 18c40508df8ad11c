from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import monocloud_async
from monocloud_async import NotFoundError, RateLimitedError, RetryPolicy, cli
from monocloud_async.cli.app import app
from monocloud_sync import MonoCloudClient
from monocloud_sync.emulator import PHONE_ID, USER_ID, Emulator

from .commands import COMMAND, environment, on_a_terminal, read_until, run, started, without
from .conftest import API_KEY, DOMAIN, KEY
from .fork_server import ROOT
from .wire import TODAY, answer, served


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator(api_key=KEY) as emulator:
        yield emulator


def quick(*args: str) -> tuple[int, str]:
    """Run the command in this process; return its exit code and all its output."""
    result = CliRunner().invoke(app, args, prog_name="monocloud")
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert KEY not in result.output
    return result.exit_code, result.output


def user_with(*phones: Mapping[str, Any]) -> dict[str, Any]:
    return {**TODAY, "phone_numbers": list(phones)}


# Output.


def test_json_output_is_only_the_record(emulator: Emulator) -> None:
    done = run("phones", "set-primary", USER_ID, PHONE_ID, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == emulator.export()[0]
    assert emulator.executions_of("phones.set_primary") == 1
    primary = emulator.user(USER_ID).primary_phone
    assert primary
    assert primary.id == PHONE_ID


def test_the_table_marks_the_primary_phone(emulator: Emulator) -> None:
    code, printed = quick("phones", "set-primary", USER_ID, PHONE_ID)
    assert code == 0
    assert "\x1b" not in printed
    head, _, *rows = printed.splitlines()
    assert head == f"User {USER_ID}"
    assert [PHONE_ID in row for row in rows] == ["primary" in row for row in rows]
    assert len(rows) == 2


def test_users_get_changes_nothing(emulator: Emulator) -> None:
    assert quick("users", "get", USER_ID)[0] == 0
    assert emulator.executions == 0


def test_json_output_is_ascii_and_keeps_unknown_members() -> None:
    odd = {**TODAY, "new": {"big": 2**70, "name": "Zoë \u202e\x1b[2J", "none": None}}
    with served(answer(200, odd)) as wire:
        code, printed = quick_at(wire.url, "users", "get", "u", "--json")
    assert code == 0
    assert printed.isascii()
    assert json.loads(printed) == odd


def test_a_user_without_phones_is_shown_in_words() -> None:
    with served(answer(200, user_with())) as wire:
        assert quick_at(wire.url, "users", "get", "u") == (
            0,
            f"User {TODAY['user_id']} has no phones.\n",
        )


def test_text_from_the_api_cannot_control_the_terminal() -> None:
    phone = {"id": "[red]i[/red]", "phone": "\x1b[2J[bold]:boom:\n\u202e\x9b☎"}
    with served(answer(200, user_with(phone))) as wire:
        env = {DOMAIN: wire.url, API_KEY: KEY, "PYTHONIOENCODING": "latin-1"}
        done = subprocess.run(
            [*COMMAND, "users", "get", "u"],
            cwd=ROOT,
            env=environment(**env),
            capture_output=True,
            text=True,
        )
    assert (done.returncode, done.stderr) == (0, "")
    phone_as_text = r"\x1b[2J[bold]:boom:\n\u202e\x9b\u260e"
    assert phone_as_text in done.stdout
    assert "[red]i[/red]" in done.stdout


def test_an_id_may_begin_with_a_dash(emulator: Emulator) -> None:
    code, printed = quick("users", "get", "--json", "--", "-x")
    assert code == 1
    assert "404" in printed
    assert emulator.requests[0].path == "/api/users/-x"


@pytest.mark.parametrize(("more", "green"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_ids_are_not_cut_on_a_narrow_terminal(more: dict[str, str], green: bool) -> None:
    long_id = "0123456789" * 15
    with served(answer(200, user_with({"id": long_id, "phone": "+1", "primary": True}))) as wire:
        env = {DOMAIN: wire.url, API_KEY: KEY, "TERM": "xterm-256color", **more}
        screen, code = on_a_terminal("users", "get", "u", columns=80, **env)
    assert code == 0
    assert long_id in screen
    assert ("\x1b[1;32m" in screen) is green


# Settings.


def quick_at(url: str, *args: str) -> tuple[int, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DOMAIN, url)
        patch.setenv(API_KEY, KEY)
        return quick(*args)


def test_options_override_the_environment(emulator: Emulator, tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text(f"{KEY}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DOMAIN, "nowhere.example")
        patch.setenv(API_KEY, "another")
        patch.setenv("MONOCLOUD_MANAGEMENT_TIMEOUT", "junk")
        options = ("--domain", emulator.url, "--api-key-file", str(key_file), "--timeout", "5")
        assert quick("users", "get", USER_ID, *options)[0] == 0


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file"),
        (b"", "empty"),
        (b"\n", "empty"),
        (b"\xff\xfe", "not a text file"),
        (b"emulator-key two\n", "without spaces"),
        (b"emulator-key\n\n", "line breaks"),
    ],
)
def test_an_invalid_key_file_is_refused(
    emulator: Emulator, tmp_path: Path, content: bytes | None, why: str
) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    code, printed = quick("users", "get", USER_ID, "--api-key-file", str(path))
    assert code == 2
    assert printed.startswith(f"Error: --api-key-file {path}")
    assert why in printed
    assert printed.count("\n") == 1
    assert not emulator.requests


@pytest.mark.parametrize("content", [b"%s", b"%s\r\n", b"\xef\xbb\xbf%s\r\n"])
def test_a_key_file_may_end_in_a_newline_or_start_with_a_bom(
    emulator: Emulator, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "key"
    path.write_bytes(content % KEY.encode())
    assert quick("users", "get", USER_ID, "--api-key-file", str(path))[0] == 0


@pytest.mark.parametrize(
    ("changed", "args", "named"),
    [
        ({DOMAIN: ""}, (), DOMAIN),
        ({DOMAIN: "acme.com/x"}, (), f"{DOMAIN}: "),
        ({}, ("--domain", "http://acme.com"), "Error: domain: "),
        ({API_KEY: ""}, (), API_KEY),
        ({"MONOCLOUD_MANAGEMENT_TIMEOUT": "5s"}, (), "MONOCLOUD_MANAGEMENT_TIMEOUT"),
        ({}, ("--timeout", "nan"), "timeout"),
        ({}, ("--max-attempts", "0"), "--max-attempts"),
        ({}, ("--key", "k"), "--key"),
        ({}, ("..",), "extra argument"),
    ],
)
def test_an_invalid_setting_is_named_and_nothing_is_sent(
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    changed: Mapping[str, str],
    args: tuple[str, ...],
    named: str,
) -> None:
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    code, printed = quick("users", "get", USER_ID, *args)
    assert code == 2
    assert named in printed
    assert not emulator.requests


@pytest.mark.parametrize("bad", [".", "..", " ", "", "a\nb"])
def test_an_invalid_id_is_never_sent(emulator: Emulator, bad: str) -> None:
    code, printed = quick("phones", "set-primary", USER_ID, bad)
    assert code == 2
    assert printed.startswith("Error: identifier_id must be ")
    assert printed.count("\n") == 1
    assert not emulator.requests


# Errors.


def test_not_found_is_one_line_with_the_trace_id(emulator: Emulator) -> None:
    done = run("phones", "set-primary", USER_ID, "nobody's")
    assert (done.returncode, done.stdout) == (1, "")
    trace = r"\(trace 00-[0-9a-f]{32}-[0-9a-f]{16}-01\)"
    assert re.fullmatch(rf"Error: phones\.set_primary: 404 Not Found: .* {trace}\n", done.stderr)


def test_a_wrong_key_is_not_shown(emulator: Emulator, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sesame-open\n")
    done = run("users", "get", USER_ID, "--api-key-file", str(tmp_path / "key"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: users.get: 401 ")
    assert done.stderr.count("\n") == 1
    assert "sesame" not in done.stderr


def test_a_refused_connection_is_one_line(unused_port: int) -> None:
    args = ("users", "get", "u", "--max-attempts", "1")
    code, printed = quick_at(f"http://127.0.0.1:{unused_port}", *args)
    assert code == 1
    assert printed.startswith(f"Error: users.get: no connection to 127.0.0.1:{unused_port}")
    assert printed.count("\n") == 1


def test_an_unreadable_response_is_one_line() -> None:
    with served(answer(200, b"<html>\x1b[2J")) as wire:
        code, printed = quick_at(wire.url, "phones", "set-primary", "u", "p")
    assert code == 1
    assert "the change was applied" in printed
    assert printed.count("\n") == 1


def test_a_problem_cannot_control_the_terminal() -> None:
    with served(answer(400, {"detail": "a\x1b[2J\nb\u202ec"})) as wire:
        code, printed = quick_at(wire.url, "users", "get", "u")
    assert code == 1
    assert printed == r"Error: users.get: 400 Bad Request: a [2J b\u202ec" + "\n"


def test_an_interrupt_is_quiet() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with started("users", "get", "u", **{DOMAIN: url, API_KEY: KEY}) as process:
            connection, _ = silent.accept()
            with connection:
                assert connection.recv(4) == b"GET "
                process.send_signal(signal.SIGINT)
                assert process.communicate() == ("", "")
            assert process.returncode == 130


@pytest.mark.parametrize("args", [("users", "get", USER_ID), ("users", "get", USER_ID, "--json")])
def test_a_broken_pipe_is_quiet(emulator: Emulator, args: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        done = run(*args, stdout=pipe)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_full_disk_is_not_mistaken_for_a_failed_call(
    emulator: Emulator, more: tuple[str, ...]
) -> None:
    with Path("/dev/full").open("wb") as full:
        done = run("phones", "set-primary", USER_ID, PHONE_ID, *more, stdout=full)
    assert emulator.executions == 1
    assert (done.returncode, done.stderr) == (
        1,
        "Error: the call succeeded, but its output cannot be printed: No space left on device\n",
    )


@pytest.mark.parametrize("closed", ["2>&-", ">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_the_command_works_without_standard_streams(emulator: Emulator, closed: str) -> None:
    done = without(closed, "phones", "set-primary", USER_ID, PHONE_ID)
    assert (done.returncode, done.stderr) == (0, "")
    assert bool(done.stdout) is (closed == "2>&-")
    assert emulator.executions == 1
    done = without(closed, "users", "get", "nobody")
    assert (done.returncode, done.stdout, bool(done.stderr)) == (1, "", closed == ">&-")
    assert without(closed, "--version").returncode == 0
    assert without(closed, "nonsense").returncode == 2


# The emulator and the demo.


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_the_emulator_serves_until_a_signal(end: signal.Signals, tmp_path: Path) -> None:
    seed = tmp_path / "users.json"
    seed.write_text(json.dumps([user_with({"id": "p-1", "phone": "+1"}, {"id": "p-2"})]))
    with started("emulator", "--port", "0", "--seed", str(seed)) as process:
        printed = read_until(process, "p-2")
        found = dict(re.findall(r"^export (\w+)=(\S+)$", printed, re.MULTILINE))
        with MonoCloudClient(found[DOMAIN], found[API_KEY]) as client:
            primary = client.phones.set_primary(TODAY["user_id"], "p-2").primary_phone
            assert primary
            assert primary.id == "p-2"
            process.send_signal(end)
            assert process.communicate()[1] == ""
        assert process.returncode == 0
    assert f"User {TODAY['user_id']}" in printed


def test_the_emulator_shows_only_some_of_many_users(tmp_path: Path) -> None:
    seed = tmp_path / "users.json"
    seed.write_text(json.dumps([{"user_id": f"user-{n}"} for n in range(25)]))
    with started("emulator", "--port", "0", "--seed", str(seed)) as process:
        printed = read_until(process, "and 5 more users")
    assert printed.count("User user-") == 20


def test_the_emulator_refuses_an_invalid_seed(tmp_path: Path) -> None:
    seed = tmp_path / "users.json"
    seed.write_text('[{"user_id": 7}]')
    for args in (("--seed", str(seed)), ("--seed", str(tmp_path / "none.json"))):
        code, printed = quick("emulator", "--port", "0", *args)
        assert code == 2
        assert args[1] in printed
        assert printed.count("\n") == 1


def test_the_emulator_applies_faults_and_a_rate_limit(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    file.write_bytes(
        b'\xef\xbb\xbf[{"status": 503, "times": 1}, {"connection": "reset", "times": 1}]'
    )
    options = ("--fault", '{"status": 404, "operation": "users.get"}', "--fault", str(file))
    limit = ("--rate-limit", "0.001/s burst 3", "--journal", "1")
    with started("emulator", "--port", "0", *options, *limit) as process:
        printed = read_until(process, "Rate limit")
        assert 'Fault: {"connection": "reset", "times": 1}' in printed
        url = re.search(r"http://\S+\d", printed)
        assert url
        client = MonoCloudClient(url[0], KEY, retry=RetryPolicy(base_delay=0.0))
        with client:
            with pytest.raises(NotFoundError):
                client.users.get(USER_ID)
            # A 503, then a reset, and then the rate limit, which asks for too long a wait.
            with pytest.raises(RateLimitedError) as refused:
                client.phones.set_primary(USER_ID, PHONE_ID)
        assert refused.value.attempts == 3
        with urllib.request.urlopen(f"{url[0]}/_emulator") as answer:
            state = json.load(answer)
        with urllib.request.urlopen(f"{url[0]}/_emulator/requests") as answer:
            assert [request["status"] for request in json.load(answer)] == [429]
    assert [fault["struck"] for fault in state["faults"]] == [1, 1, 1]
    assert state["counts"]["requests"] == 4


@pytest.mark.parametrize(
    ("option", "given", "message"),
    [
        ("--fault", '{"status": 7}', "--fault: a fault's status must be a whole number, from 200"),
        ("--fault", '{"status": }', "--fault: it is not JSON"),
        ("--fault", '[{"delay": 1}, {"dealy": 1}]', "--fault: a fault has no 'dealy'"),
        ("--fault", "503", "--fault 503: No such file or directory (and not a JSON object either)"),
        ("--fault", "pyproject.toml", "--fault pyproject.toml: it is not JSON"),
        ("--rate-limit", "200", "--rate-limit: a rate limit must be like '200/s burst 20'"),
        ("--rate-limit", "{}", "--rate-limit: a rate limit's per_second must be a number"),
        ("--rate-limit", "{", "--rate-limit: it is not JSON"),
    ],
)
def test_the_emulator_refuses_invalid_faults_and_rate_limits(
    option: str, given: str, message: str
) -> None:
    code, printed = quick("emulator", "--port", "0", option, given)
    assert (code, printed.count("\n")) == (2, 1)
    assert message in printed


def test_the_emulator_says_that_its_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, printed = quick("emulator", "--port", str(port))
    assert code == 2
    assert f"port {port}" in printed
    assert "choose another address or port" in printed
    assert printed.count("\n") == 1


# The command itself.


def test_version_and_help_are_printed() -> None:
    assert quick("--version") == (0, f"monocloud {monocloud_async.__version__}\n")
    assert "--json -- -an-id" in quick("phones", "set-primary", "--help")[1]
    assert quick("nonsense")[0] == 2


def test_without_the_extra_the_command_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("monocloud_async.cli.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "typer", None)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "pip install 'monocloud[cli]'" in printed.err
    assert printed.err.count("\n") == 1


def test_the_library_does_not_import_the_command_line() -> None:
    code = "import monocloud_sync, sys; print({'typer', 'rich'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("set()\n", "")
