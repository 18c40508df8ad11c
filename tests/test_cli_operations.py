"""The commands made from the methods of the resources."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from monocloud_async.cli.app import app
from monocloud_async.cli.operations import DESTRUCTIVE, RESOURCES, methods
from monocloud_sync.emulator import PHONE_ID, USER_ID, Emulator

from . import commands
from .api_table import ANSWERS, ROWS, Call, calls, content, example, paging
from .conftest import API_KEY, DOMAIN
from .fork_server import Forked
from .test_api_table import KEY, _check_sent, each_row
from .wire import TODAY, answer, problem, served, silence

ROOT = Path(__file__).parents[1]
SECRETS = {"password", "password_hash", "old_password", "new_password", "new_password_hash"}
EMAIL_ID = TODAY["emails"][0]["id"]
each_destructive = pytest.mark.parametrize("operation", sorted(DESTRUCTIVE))


def run(url: str, *args: str, stdin: str | None = None) -> tuple[int, str, str]:
    """Run the command in this process; return its exit code, stdout and stderr."""
    env = {DOMAIN: url, API_KEY: KEY}
    result = CliRunner().invoke(app, args, prog_name="monocloud", input=stdin, env=env)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert KEY not in result.output
    return result.exit_code, result.stdout, result.stderr


def command(operation: str) -> tuple[str, str]:
    group, name = operation.replace("_", "-").split(".")
    return group, name


def ids_of(operation: str) -> tuple[str, ...]:
    """Return as many arguments as the command has; the first one is a user's id."""
    return tuple(f"arg-{p.name}" for p in parameters(operation) if p.param_type_name == "argument")


def parameters(operation: str) -> list[Any]:
    group, name = command(operation)
    root: Any = get_command(app)
    return list(root.get_command(None, group).get_command(None, name).params)


# Every operation


def test_every_method_has_a_command_with_help() -> None:
    made = {f"{resource}.{m.__name__}" for resource in RESOURCES for m in methods(resource)}
    assert made == {row["name"] for row in ROWS} | {"phones.set_primary_by_number"}
    for operation in made:
        code, printed, _ = run("", *command(operation), "--help")
        assert code == 0
        assert "``" not in printed
        assert re.match(r"Usage: monocloud (?s:.)*?\n\n  [A-Z]\w.*\.\n", printed), printed
        page = re.search(
            r"^  API: `[A-Z]+ /api/\S+`\n  https://\S+/users/\w+$", printed, re.MULTILINE
        )
        assert page or operation == "phones.set_primary_by_number"


@each_row
def test_a_command_sends_the_request_and_prints_the_record(
    row: dict[str, Any], tmp_path: Path
) -> None:
    with served(answer()) as wire:
        for call in calls(row):
            wire.script(answer(row["status"], content(row), **paging(row, call)))
            code, printed, errors = run(wire.url, *_words(row, call, tmp_path))
            assert (code, errors) == (0, "")
            _check_sent(row, call, wire.requests.pop())
            assert not wire.requests
            assert printed.isascii()
            records = [json.loads(part) for part in printed.splitlines()] if row["paged"] else None
            assert (records or json.loads(printed or "null")) == example(row)


def _words(row: dict[str, Any], call: Call, folder: Path) -> list[str]:
    """Return the words of the command line for a call of the table."""
    required = list((row["body"] or {}).get("required", ()))
    options, positional = ["--json"], list(call.ids)
    if row["name"] in DESTRUCTIVE:
        options.append("--yes")
    for name, value in call.arguments.items():
        option = f"--{name.replace('_', '-')}"
        text = json.dumps(value) if isinstance(value, dict) else str(value)
        if name in SECRETS:
            (folder / name).write_text(f"{value}\n", encoding="utf-8")
            options += [f"{option}-file", str(folder / name)]
        elif name in required:
            positional.append(text)
        elif value is None:
            # Only a field that can be cleared has an option for None; list parameters have none.
            options += ["--clear", option[2:]] if row["method"] == "PATCH" else []
        elif isinstance(value, bool):
            options.append(option if value else f"--no-{option[2:]}")
        else:
            options += [option, text]
    return [*command(row["name"]), *options, "--", *positional]


# Destructive commands


def test_every_destructive_command_is_known() -> None:
    deleting = {row["name"] for row in ROWS if row["method"] == "DELETE"}
    assert deleting | {"external_providers.disconnect"} == DESTRUCTIVE


@each_destructive
def test_nothing_is_sent_without_confirmation(operation: str) -> None:
    with served(answer()) as wire:
        code, printed, errors = run(wire.url, *command(operation), *ids_of(operation))
    assert (code, printed, wire.requests) == (2, "", [])
    assert (
        errors
        == "Error: cannot ask for confirmation without a terminal; nothing was sent: pass --yes\n"
    )


@each_destructive
def test_a_dry_run_only_reads(operation: str) -> None:
    own = {"sessions.revoke": "UserSession", "groups.remove": "UserGroup"}
    with served(answer(200, ANSWERS[own.get(operation, "User")])) as wire:
        ids = ids_of(operation)
        code, _, errors = run(wire.url, *command(operation), *ids, "--dry-run", "--yes")
    read = ids if operation in own else ids[:1]
    (request,) = wire.requests
    assert request.method == "GET"
    assert [part for part in request.target.split("/") if part.startswith("arg")] == list(read)
    # The record that the server returns has other ids than those given.
    gone = operation.split(".")[0] in ("emails", "phones", "passkeys", "external_providers")
    assert code == gone
    assert ("Nothing was changed. Without --dry-run: " in errors) is not gone


def test_a_dry_run_shows_what_would_be_removed() -> None:
    with served(answer(200, TODAY)) as wire:
        words = ("emails", "remove", TODAY["user_id"], EMAIL_ID, "--dry-run")
        code, printed, errors = run(wire.url, *words)
        assert (code, TODAY["emails"][0]["email"] in printed) == (0, True)
        assert errors.endswith("Without --dry-run: Remove an email address from a user.\n")
        assert json.loads(run(wire.url, *words, "--json")[1]) == TODAY["emails"][0]
        code, printed, errors = run(wire.url, *words[:3], "another", "--dry-run")
    assert (code, printed) == (1, "")
    assert errors == "Error: emails.remove: the user has no such record; nothing was changed\n"


@pytest.mark.parametrize(
    ("typed", "code", "message", "sent"),
    [
        ("y\n", 0, "Done.", 1),
        ("n\n", 2, "not confirmed; nothing was sent", 0),
        ("\x03", 130, "", 0),
    ],
)
def test_the_terminal_asks_for_confirmation(typed: str, code: int, message: str, sent: int) -> None:
    with served(answer(204, b"")) as wire:
        screen, ended = on_a_terminal(wire.url, "users", "delete", "u-1", typed={"[y/N]": typed})
    assert (ended, len(wire.requests)) == (code, sent)
    assert "Delete a user permanently. (user_id u-1) Continue? [y/N]" in screen
    assert message in screen


# Secrets


def test_no_command_takes_a_secret_on_its_command_line() -> None:
    for resource in RESOURCES:
        for method in methods(resource):
            names = {p.name for p in parameters(f"{resource}.{method.__name__}")}
            assert not names & SECRETS


def test_secrets_are_read_from_lines_of_standard_input() -> None:
    with served(answer(200, TODAY)) as wire:
        assert run(wire.url, "passwords", "set", "u", stdin=" päss\r\n")[0] == 0
        assert run(wire.url, "passwords", "change", "u", stdin="old\nnew\n")[0] == 0
        create = ("users", "create", "--password-file", "-")
        assert run(wire.url, *create, stdin="x")[0] == 0
        assert run(wire.url, "users", "create", "--name", "Ada", stdin="never read")[0] == 0
    assert [json.loads(request.body) for request in wire.requests] == [
        {"password": " päss"},
        {"old_password": "old", "new_password": "new"},
        {"password": "x"},
        {"name": "Ada"},
    ]


@pytest.mark.parametrize(
    ("args", "stdin", "message"),
    [
        ((), "", "Password (standard input) is empty"),
        (("--password-file", "none"), "", "--password-file none: No such file or directory"),
        (("--password-hash-file", "-"), "hash\n", "pass password_hash and password_hash_algorithm"),
    ],
)
def test_nothing_is_sent_without_a_secret(args: tuple[str, ...], stdin: str, message: str) -> None:
    with served(answer()) as wire:
        code, printed, errors = run(wire.url, "passwords", "set", "u", *args, stdin=stdin)
    assert (code, printed, wire.requests) == (2, "", [])
    assert errors.startswith(f"Error: {message}")
    assert errors.count("\n") == 1


def test_the_terminal_asks_for_a_password_twice_and_never_shows_it() -> None:
    # The prompt's last blank appears once the terminal no longer echoes.
    typed = {"Password: ": "s3same\n", "confirmation: ": "s3same\n"}
    with served(problem(422, "No s3same")) as wire:
        screen, code = on_a_terminal(wire.url, "passwords", "set", "u", typed=typed)
    assert code == 1
    assert json.loads(wire.requests[0].body) == {"password": "s3same"}
    assert screen.count("s3same") == screen.count("No s3same")


# Lists


def page(number: int, count: int, names: str, **more: object) -> Any:
    header = {"page_size": len(names), "current_page": number, "total_count": 9}
    header |= {"has_previous": number > 1, "has_next": number < count}
    users = [{"user_id": name, "disabled": False, **more} for name in names]
    return answer(200, users, X_Pagination=json.dumps(header))


def test_a_list_is_json_lines_in_a_pipe_and_a_table_on_a_terminal() -> None:
    email = {"id": "e", "email": "ada@example.com", "primary": True, "verified": True}
    pages = (page(1, 2, "ab", emails=[email]), page(2, 2, "c"))
    with served(*pages, *pages, page(1, 1, "")) as wire:
        lines = run(wire.url, "users", "list")[1].splitlines()
        screen, code = on_a_terminal(wire.url, "users", "list")
        assert run(wire.url, "users", "list", "--table") == (0, "", "")
    assert [json.loads(line)["user_id"] for line in lines] == ["a", "b", "c"]
    assert code == 0
    head, *rows = [line.split() for line in screen.splitlines()]
    assert head[:3] == ["user_id", "disabled", "emails"]
    assert [row[:3] for row in rows] == [
        ["a", "no", "ada@example.com"],
        ["b", "no", "ada@example.com"],
        ["c", "no", "-"],
    ]
    # Columns keep their positions from page to page.
    assert len({line.index("no ") for line in screen.splitlines() if " no " in line}) == 1


def test_a_limit_ends_a_list() -> None:
    with served(page(1, 9, "ab"), page(2, 9, "cd"), silence) as wire:
        code, printed, _ = run(wire.url, "users", "list", "--limit", "3", "--json")
    assert code == 0
    assert [json.loads(line)["user_id"] for line in printed.splitlines()] == ["a", "b", "c"]
    assert len(wire.requests) <= 3


def test_a_page_is_printed_before_the_next_one_arrives() -> None:
    with served(page(1, 2, "a"), silence) as wire, started(wire.url, "users", "list") as process:
        assert process.stdout
        assert json.loads(process.stdout.readline()) == {"user_id": "a", "disabled": False}


def test_text_in_a_table_cannot_control_the_terminal() -> None:
    odd = {"group_id": "[red]g[/red]", "group_name": "\x1b[2J\n\u202e", "user_id": "u"}
    header = {"page_size": 1, "current_page": 1, "total_count": 1}
    paged = json.dumps({**header, "has_previous": False, "has_next": False})
    with served(answer(200, [odd], X_Pagination=paged)) as wire:
        printed = run(wire.url, "groups", "list", "u", "--table")[1]
    assert r"\x1b[2J\n\u202e" in printed
    assert "[red]g[/red]" in printed


# Arguments and answers


def test_invalid_uses_of_clear_are_refused() -> None:
    with served(answer()) as wire:
        words = (wire.url, "users", "patch-claims", "u", "--clear")
        assert "--clear age: this field cannot be cleared" in run(*words, "age")[2]
        code, _, errors = run(*words, "given_name", "--given-name", "Ada")
        assert (code, errors) == (
            2,
            "Error: --clear given_name: a value was given as well; nothing was sent: choose one\n",
        )
    assert not wire.requests


def test_json_can_be_an_argument_or_standard_input() -> None:
    with served(answer(200, {"private_data": {"a": 1}})) as wire:
        words = (wire.url, "data", "patch-private", "u")
        assert run(*words, "-", stdin='{"a": null}')[1].split() == ["private_data", '{"a":', "1}"]
        for bad, message in (("{", "it is not JSON"), ("[]", "must be a mapping")):
            code, _, errors = run(*words, bad)
            assert (code, errors.count("\n")) == (2, 1)
            assert errors.startswith("Error: private")
            assert message in errors
    assert [json.loads(r.body) for r in wire.requests] == [{"private_data": {"a": None}}]


def test_the_changed_part_of_the_user_is_shown() -> None:
    with served(answer(200, TODAY)) as wire:
        emails = run(wire.url, "emails", "set-primary", "u", "e")[1]
        whole = run(wire.url, "users", "disable", "u")[1]
    assert EMAIL_ID in emails
    assert TODAY["phone_numbers"][0]["id"] not in emails
    assert re.search(r"^disabled +no +$", whole, re.MULTILINE)


def test_a_response_without_a_record_prints_done() -> None:
    with served(answer(204, b"")) as wire:
        assert run(wire.url, "groups", "assign", "u", "g") == (0, "Done.\n", "")
        assert run(wire.url, "passkeys", "remove", "u", "p", "-y", "--json") == (0, "", "")


def test_a_phone_can_be_chosen_by_its_number() -> None:
    with Emulator(api_key=KEY) as emulator:
        number = next(p for p in emulator.user(USER_ID).phone_numbers if p.id == PHONE_ID).phone
        words = ("phones", "set-primary-by-number", USER_ID, str(number))
        code, printed, _ = run(emulator.url, *words)
        primary = emulator.user(USER_ID).primary_phone
    assert code == 0
    assert re.search(rf"{PHONE_ID}.* primary +$", printed, re.MULTILINE)
    assert primary
    assert primary.id == PHONE_ID


# Raw requests


def test_a_request_can_have_any_path() -> None:
    with served(answer(200, {"ü": [1]})) as wire:
        words = ("POST", "/groups/{group_id}/x", "a/b", "--query", "a=1=2", "--query", "b=")
        assert run(wire.url, "request", *words, "--body", "-", stdin='{"c": null}') == (
            0,
            '{\n  "\\u00fc": [\n    1\n  ]\n}\n',
            "",
        )
    (request,) = wire.requests
    assert request.line == "POST /api/groups/a%2Fb/x?a=1%3D2&b= HTTP/1.1"
    assert request.body == b'{"c": null}' or json.loads(request.body) == {"c": None}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("GET", "/users/{user_id}"), "takes user_id, but 0 were given"),
        (("FETCH", "/users"), "method must be an HTTP method"),
        (("GET", "/users", "--query", "size"), "--query must be NAME=VALUE"),
        (("GET", "/users", "--query", "a=1", "--query", "a=2"), "each name may be given only once"),
        (("POST", "/users", "--body", "{"), "--body: it is not JSON"),
    ],
)
def test_an_invalid_request_is_not_sent(args: tuple[str, ...], message: str) -> None:
    with served(answer()) as wire:
        code, printed, errors = run(wire.url, "request", *args)
    assert (code, printed, wire.requests) == (2, "", [])
    assert message in errors


def test_the_response_to_a_request_is_reported() -> None:
    with served(answer(204, b""), answer(200, b"<html>"), problem(404)) as wire:
        words = (wire.url, "request", "DELETE", "/users/{user_id}", "u")
        assert run(*words) == (0, "", "")
        code, _, errors = run(*words)
        assert (code, "but the response is not JSON" in errors) == (1, True)
        assert run(*words)[2].startswith("Error: DELETE /users/{user_id}: 404")


# The command itself


def test_completion_covers_groups_commands_and_values() -> None:
    assert "passwords" in completed("monocloud pass")
    assert completed("monocloud users pat") == ["patch-claims"]
    assert completed("monocloud phones set-primary-m") == ["set-primary-many"]
    assert completed("monocloud users list --sort block") == ["block_until:1", "block_until:-1"]


def test_a_mistyped_command_gets_a_suggestion() -> None:
    assert "Did you mean 'users'" in run("", "user", "list")[2]
    assert "Did you mean 'set-primary'" in run("", "phones", "set-primry")[2]


def test_json_output_does_not_import_the_table_library() -> None:
    program = (
        "import sys; from monocloud_async.cli.app import app; import typer.main;"
        "typer.main.get_command(app).commands['users'].commands['list'];"
        "print('rich.console' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True)
    assert (done.stdout, done.stderr) == (b"False\n", b"")


def completed(line: str) -> list[str]:
    words = line.split(" ")
    env = {"_MONOCLOUD_COMPLETE": "complete_bash", "COMP_WORDS": line}
    env["COMP_CWORD"] = str(len(words) - 1)
    return commands.run(env=env).stdout.split()


COMMAND = (sys.executable, "-m", "monocloud_async.cli")


def settings(url: str) -> dict[str, str]:
    return {**os.environ, DOMAIN: url, API_KEY: KEY, "TERM": "dumb"}


def started(url: str, *args: str) -> AbstractContextManager[Forked]:
    return commands.started(*args, **settings(url))


def on_a_terminal(url: str, *args: str, typed: Mapping[str, str] | None = None) -> tuple[str, int]:
    """Run the command on its own terminal, and type each answer once its question appears.

    Return the screen and the exit code.
    """
    waiting = dict(typed or {})
    child, ours = pty.fork()
    if child == 0:  # pragma: no cover
        os.chdir(ROOT)
        os.execve(sys.executable, [*COMMAND, *args], settings(url))
    screen = b""
    try:
        while True:
            if not select.select([ours], [], [], 1)[0]:
                if "\x03" in (typed or {}).values() and not waiting:
                    # Python misses an interrupt just before it waits for the terminal.
                    os.write(ours, b"\x03")
                continue
            more = os.read(ours, 4096)
            if not more:
                break
            screen += more
            if question := next((q for q in waiting if q.encode() in screen), None):
                os.write(ours, waiting.pop(question).encode())
    except OSError:  # how Linux reports that the other end is closed
        pass
    os.close(ours)
    return screen.decode().replace("\r\n", "\n"), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
