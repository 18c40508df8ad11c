"""Imports: what a row may contain, which calls it makes, and that each is made exactly once."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import textwrap
import traceback
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import monocloud_sync
from monocloud_async import (
    ConfigurationError,
    ImportDifference,
    ImportOutcome,
    InvalidArgumentError,
    MonoCloudClient,
    MonoCloudError,
    RetryPolicy,
    TransportError,
    UnauthorizedError,
)
from monocloud_async.emulator import Emulator, Fault
from monocloud_async.imports import ImportJournal
from monocloud_async.imports.reading import MEMBERS

from .conftest import API_KEY, DOMAIN
from .wire import Request, Wire, answer, problem
from .wire import reset as cut

GUIDE = Path(__file__).parents[1] / "docs" / "import.md"
HASH = "$2b$10$" + "a" * 53
HASHED = {"password_hash": HASH, "password_hash_algorithm": "bcrypt"}
# One attempt, so that the call itself does not retry after a lost answer.
ONCE = RetryPolicy(max_attempts=1, base_delay=0.0)
FAST = RetryPolicy(base_delay=0.0)


@pytest.fixture
async def tenant() -> AsyncIterator[Emulator]:
    async with Emulator([]) as emulator:
        yield emulator


@pytest.fixture
async def client(tenant: Emulator) -> AsyncIterator[MonoCloudClient]:
    async with MonoCloudClient(tenant.url, tenant.api_key, retry=FAST) as client:
        yield client


async def imported(
    client: MonoCloudClient, rows: Iterable[Any], **options: Any
) -> list[ImportOutcome]:
    run = client.users.import_many(rows, **options)
    return sorted([one async for one in run], key=lambda one: one.index)


def made(tenant: Emulator) -> list[str]:
    """Return the operations that were carried out, in order."""
    return [str(r.operation) for r in tenant.requests if r.executed and r.method != "GET"]


def people(count: int) -> list[dict[str, Any]]:
    return [{"email": f"u{n}@example.com", "name": f"User {n}"} for n in range(count)]


def lost(operation: str, *, executed: bool, times: int = 1) -> Fault:
    return Fault(connection="reset", executed=executed, operation=operation, times=times)


# The contents of a row


async def test_a_full_row_is_imported_in_the_order_of_its_steps(
    client: MonoCloudClient, tenant: Emulator
) -> None:
    group = tenant.add_group("Staff")
    row = {
        "source_id": "auth0|1",
        "username": "mira_k",
        "email": " mira@example.com ",
        "email_verified": True,
        "emails": [
            {"email": "MIRA@example.com", "verified": False, "primary": True},
            {"email": "kask@example.com", "verified": "TRUE"},
        ],
        "phone_numbers": [
            {"phone": "+44 1514 960 453", "verified": False},
            {"phone": "+441514960454", "verified": True, "primary": True},
        ],
        **HASHED,
        "given_name": "Mira",
        "family_name": "",
        "claims": {"nickname": "mi", "locale": "et", "address": {"country": "EE", "region": None}},
        "private_data": {"plan": "pro", "old": None},
        "public_data": {"theme": "dark"},
        "groups": ["Staff", "staff too"],
        "disabled": True,
        "notes": ["roles: not in the export"],
    }
    (one,) = await imported(client, [row], groups={"Staff": group, "staff too": group})
    steps = "create emails phones claims private_data public_data groups disable"
    assert (one.status, one.error, " ".join(one.steps)) == ("created", None, steps)
    assert (one.source_id, one.notes) == ("auth0|1", ("roles: not in the export",))
    assert (one.attempts, one.row, one.may_have_been_applied) == (8, row, False)
    assert made(tenant) == [
        *("users.create", "emails.add", "phones.add", "users.patch_claims"),
        *("data.patch_private", "data.patch_public", "groups.assign", "users.disable"),
    ]
    (user,) = tenant.export()
    assert [(e["email"], e["verified"], e["primary"]) for e in user["emails"]] == [
        ("mira@example.com", True, True),
        ("kask@example.com", True, False),
    ]
    assert [(p["phone"], p["verified"], p["primary"]) for p in user["phone_numbers"]] == [
        ("+441514960454", True, True),
        ("+441514960453", False, False),
    ]
    assert user["username"]["username"] == "mira_k"
    assert user["claims"] == {
        "given_name": "Mira",
        "nickname": "mi",
        "locale": "et",
        "address": {"country": "EE"},
    }
    assert (user["private_data"], user["public_data"]) == ({"plan": "pro"}, {"theme": "dark"})
    assert (user["disabled"], user["force_password_reset"]) == (True, False)
    assert one.user is not None
    assert one.user.to_dict() == {**user, "last_updated": one.user.to_dict()["last_updated"]}


@pytest.mark.parametrize(
    ("members", "sent"),
    [
        (HASHED, {**HASHED, "is_temporary_password": False}),
        ({**HASHED, "is_temporary_password": True}, {**HASHED, "is_temporary_password": True}),
        ({"password": "Secret-1234"}, {"password": "Secret-1234"}),
        ({"email_verified": "false"}, {"email_verified": False}),
    ],
)
async def test_passwords_and_flags_are_sent_with_the_create_call(
    members: dict[str, Any], sent: dict[str, Any]
) -> None:
    user = {"user_id": "u", "emails": [{"id": "e", "email": "a@example.com"}]}
    async with Wire(answer(201, user)) as wire, MonoCloudClient(wire.url, "key") as client:
        (one,) = await imported(client, [{"email": "a@example.com", **members}])
    assert one.status == "created"
    (request,) = wire.requests
    assert json.loads(request.body) == {
        "email": "a@example.com",
        "skip_conformance_checks": True,
        **sent,
    }


async def test_each_of_the_three_checks_can_be_skipped(client: MonoCloudClient) -> None:
    bodies: list[Any] = []
    row = {"email": "a@example.com", "claims": {"locale": "et"}, "emails": [{"email": "b@b.de"}]}
    user = {"user_id": "u", "emails": [{"id": "e", "email": "a@example.com"}]}
    async with Wire(answer(201, user)) as wire, MonoCloudClient(wire.url, "key") as client:
        await imported(
            client,
            [row],
            skip_password_policy_checks=True,
            skip_identifier_restriction_checks=True,
            skip_conformance_checks=False,
        )
    bodies = [json.loads(request.body) for request in wire.requests]
    assert bodies[0]["skip_password_policy_checks"] is True
    assert bodies[0]["skip_identifier_restriction_checks"] is True
    assert "skip_conformance_checks" not in bodies[0]
    assert bodies[1]["skip_restriction_checks"] is True
    assert bodies[2] == {"locale": "et"}


MISTAKES: list[tuple[Any, str]] = [
    ("a@example.com", "it must be a mapping, not str"),
    ({}, "it needs an email, phone_number or username"),
    ({"name": "x"}, "it needs an email, phone_number or username"),
    ({"email": "a@b", "emali": "x"}, "it has an unknown member 'emali'"),
    ({"email": "no address"}, "email must be an email address"),
    ({"email": "a\u200b@example.com"}, "email contains U+200B ZERO WIDTH SPACE"),
    ({"email": 7}, "email must be a non-empty string"),
    ({"email": "a@b", "emails": "b@b"}, "emails must be a list"),
    ({"email": "a@b", "emails": ["b@b"]}, "emails[0] must be an object"),
    ({"emails": [{"address": "b@b"}]}, "emails[0] has an unknown member 'address'"),
    ({"emails": [{"verified": True}]}, "emails[0].email must be"),
    (
        {"emails": [{"email": "a@b", "primary": True}, {"email": "b@b", "primary": True}]},
        "emails has more than one primary item",
    ),
    ({"phone_number": "0151 4960"}, "phone_number must be a number with +"),
    ({"phone_numbers": [{"phone": "+1"}]}, "phone_numbers[0].phone must be a number with +"),
    ({"email": "a@b", "email_verified": "yes"}, "email_verified must be true or false"),
    ({"email": "a@b", "email_verified": 1}, "email_verified must be true or false"),
    ({"email": "a@b", "password": "x", **HASHED}, "it has both a password and a password_hash"),
    ({"email": "a@b", "password": 12345678}, "password must be a string"),
    ({"email": "a@b", "password_hash": HASH}, "password_hash_algorithm must be bcrypt"),
    ({"email": "a@b", **HASHED, "password_hash": HASH[:-1]}, "must be a bcrypt hash"),
    ({"email": "a@b", **HASHED, "password_hash": HASH + "\n"}, "must be a bcrypt hash"),
    (
        {"email": "a@b", **HASHED, "password_hash": "$2x$10$" + "a" * 53},
        "must be a bcrypt hash",
    ),
    (
        {"email": "a@b", **HASHED, "password_hash": "$2b$03$" + "a" * 53},
        "must be a bcrypt hash",
    ),
    ({"email": "a@b", "claims": {"iban": "x"}}, "claims has a member 'iban'"),
    ({"email": "a@b", "claims": ["x"]}, "claims must be an object"),
    ({"email": "a@b", "name": "x", "claims": {"name": "y"}}, "name and claims.name differ"),
    (
        {"email": "a@b", "claims": {"address": {"city": "x"}}},
        "claims.address has an unknown member",
    ),
    ({"email": "a@b", "claims": {"address": "x"}}, "claims.address must be an object"),
    ({"email": "a@b", "private_data": "x"}, "private_data must be an object"),
    ({"email": "a@b", "public_data": {"x": {1, 2}}}, "public_data must be JSON"),
    ({"email": "a@b", "private_data": {"x": float("nan")}}, "private_data must be JSON"),
    (
        {"email": "a@b", "groups": ["Guests"]},
        "groups has a name that is neither an id nor in the groups mapping",
    ),
    (
        {"email": "a@b", "groups": [".."]},
        "groups has a name that is neither an id nor in the groups mapping",
    ),
    ({"email": "a@b", "disabled": "x"}, "disabled must be true or false"),
    ({"email": "a@b", "notes": "x"}, "notes must be a list"),
]


async def test_invalid_rows_are_not_sent(client: MonoCloudClient, tenant: Emulator) -> None:
    rows = [*(row for row, _ in MISTAKES), {"email": "good@example.com"}]
    *found, good = await imported(client, rows, groups={"Staff": "g"})
    for bad, (_, message) in zip(found, MISTAKES, strict=True):
        assert (bad.status, bad.attempts, bad.steps) == ("failed", 0, ()), message
        assert bad.source_id == str(bad.index)
        assert isinstance(bad.error, InvalidArgumentError)
        assert str(bad.error).startswith(f"rows[{bad.index}]: ")
        assert message in str(bad.error)
        assert str(bad.error).endswith("; nothing was sent")
        assert bad.error.__traceback__ is None
        assert bad.error.__context__ is None
        assert HASH[:-1] not in str(bad.error)
    assert good.status == "created"
    assert tenant.counts.requests == 1


async def test_an_exported_user_can_be_imported_as_a_row(
    client: MonoCloudClient, tenant: Emulator
) -> None:
    row = {
        "email": "mira@example.com",
        "email_verified": True,
        "username": "mira",
        "phone_number": "+441514960453",
        "claims": {"name": "Mira", "locale": "et"},
        "private_data": {"plan": "pro"},
        **HASHED,
    }
    await imported(client, [row])
    (before,) = tenant.export()
    tenant.reset()
    exported = {**before, "claims": {**before["claims"], "iban": "x"}, "read_at": 1}
    (one,) = await imported(client, [exported])
    assert (one.status, one.source_id) == ("created", "mira@example.com")
    assert one.notes == ("password: not in the row", "claims.iban: cannot be set")
    (after,) = tenant.export()
    same = ("claims", "private_data", "public_data", "disabled")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert after["username"]["username"] == "mira"
    assert after["emails"][0]["verified"] is True


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": {"email": "a@b"}}, "rows must be an iterable of mappings, not dict"),
        ({"rows": "users.csv"}, "rows must be an iterable of mappings, not str"),
        ({"rows": [], "existing": "replace"}, "existing must be 'skip' or 'complete'"),
        ({"rows": [], "groups": ["Staff"]}, "groups must be a mapping of names to ids"),
        ({"rows": [], "concurrency": 0}, "concurrency must be"),
        ({"rows": [], "rate": -1}, "rate must be"),
    ],
)
async def test_arguments_are_checked_at_once(arguments: dict[str, Any], message: str) -> None:
    async with MonoCloudClient("acme.com", "key") as client:
        with pytest.raises(InvalidArgumentError, match=message):
            client.users.import_many(**arguments)


# Users who already exist


async def test_an_existing_user_is_left_unchanged_and_the_differences_are_reported(
    client: MonoCloudClient, tenant: Emulator
) -> None:
    group = tenant.add_group("Staff")
    await client.users.create(email="Mira@example.com", name="Mira", phone_number="+441514960453")
    before = tenant.export()
    row = {
        "email": "mira@example.com",
        "email_verified": True,
        "phone_number": "+441514960454",
        "username": "mira",
        "name": "Mira",
        "private_data": {"plan": "pro"},
        "groups": [group],
        "disabled": True,
        **HASHED,
    }
    (one,) = await imported(client, [row])
    assert (one.status, one.steps, one.error) == ("existed", (), None)
    assert one.user_id == before[0]["user_id"]
    assert one.differences == (
        ImportDifference("emails.verified", True, False),
        ImportDifference("phone_numbers", "+441514960454", None),
        ImportDifference("username", "mira", None),
        ImportDifference("private_data.plan", "pro", None),
        ImportDifference("disabled", True, False),
        ImportDifference("has_password", True, False),
        ImportDifference("groups", group, None),
    )
    assert "+4415" not in repr(one)
    assert tenant.export() == before
    (same,) = await imported(client, [{"phone_number": "+441514960453", "name": "Mira"}])
    assert (same.status, same.differences) == ("existed", ())


async def test_an_existing_user_gets_missing_values_and_nothing_else_changes(
    client: MonoCloudClient, tenant: Emulator
) -> None:
    one, other = tenant.add_group("One"), tenant.add_group("Other")
    user = await client.users.create(phone_number="+441514960453", name="Old")
    await client.data.patch_private(user.user_id, {"plan": "free"})
    await client.groups.assign(user.user_id, one)
    already = len(made(tenant))
    row = {
        "phone_number": "+441514960453",
        "email": "mira@example.com",
        "name": "New",
        "claims": {"locale": "et"},
        "private_data": {"plan": "pro", "seats": 3},
        "groups": [one, other],
        "disabled": True,
    }
    (found,) = await imported(client, [row], existing="complete", send_reset=True)
    assert found.status == "existed"
    assert found.steps == ("emails", "claims", "private_data", "groups")
    assert [one.name for one in found.differences] == [
        *("claims.name", "private_data.plan", "disabled"),
    ]
    assert made(tenant)[already:] == [
        *("emails.add", "users.patch_claims", "data.patch_private", "groups.assign"),
    ]
    (after,) = tenant.export()
    assert after["claims"] == {"name": "Old", "locale": "et"}
    assert after["private_data"] == {"plan": "free", "seats": 3}
    assert after["disabled"] is False


async def test_two_rows_for_one_user_are_imported_in_order(
    client: MonoCloudClient, tenant: Emulator
) -> None:
    rows = [*people(5), *({"email": f"U{n}@example.com"} for n in range(5))]
    found = await imported(client, rows)
    assert [one.status for one in found] == ["created"] * 5 + ["existed"] * 5
    assert [one.user_id for one in found[:5]] == [one.user_id for one in found[5:]]
    assert len(tenant.export()) == 5


async def test_a_row_with_the_identifiers_of_two_users_fails(
    client: MonoCloudClient, tenant: Emulator
) -> None:
    await client.users.create(email="a@example.com")
    await client.users.create(username="b")
    (one,) = await imported(client, [{"email": "a@example.com", "username": "b"}])
    assert (one.status, one.notes) == ("failed", ("its identifiers belong to 2 users",))
    assert one.user_id is None
    assert "422" in str(one.error)


async def test_a_refusal_not_caused_by_an_identifier_fails_the_row(
    client: MonoCloudClient, tenant: Emulator
) -> None:
    (one,) = await imported(client, [{"email": "a@example.com", "password": "short"}])
    assert (one.status, one.may_have_been_applied) == ("failed", False)
    assert "PasswordTooShort" in str(one.error)
    assert not tenant.export()


# Lost answers


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("policy", [ONCE, FAST])
async def test_a_create_call_with_a_lost_response_creates_one_user(
    tenant: Emulator, executed: bool, policy: RetryPolicy, tmp_path: Path
) -> None:
    tenant.faults.add(lost("users.create", executed=executed))
    row = {**people(1)[0], "private_data": {"plan": "pro"}}
    async with MonoCloudClient(tenant.url, tenant.api_key, retry=policy) as client:
        (one,) = await imported(client, [row], journal=tmp_path / "journal")
        if policy is ONCE and not executed:
            assert (one.status, one.may_have_been_applied) == ("failed", True)
            (one,) = await imported(client, [row], journal=tmp_path / "journal")
    assert (one.status, one.steps, one.error) == ("created", ("create", "private_data"), None)
    assert tenant.executions_of("users.create") == 1
    assert len(tenant.export()) == 1


async def test_after_a_lost_response_a_user_with_other_content_counts_as_existing(
    tenant: Emulator,
) -> None:
    async with MonoCloudClient(tenant.url, tenant.api_key) as client:
        await client.users.create(email="u0@example.com", name="Other")
        tenant.faults.add(lost("users.create", executed=False))
        (one,) = await imported(client, people(1))
    assert (one.status, [d.name for d in one.differences]) == ("existed", ["claims.name"])


async def test_after_a_lost_response_a_user_older_than_the_import_counts_as_existing() -> None:
    old = {
        "user_id": "u",
        "creation_time": 1_600_000_000,
        "claims": {"name": "User 0"},
        "emails": [{"id": "e", "email": "u0@example.com", "verified": False}],
    }
    async with Emulator([old]) as tenant:
        tenant.faults.add(lost("users.create", executed=False))
        async with MonoCloudClient(tenant.url, tenant.api_key) as client:
            (one,) = await imported(client, people(1))
    assert (one.status, one.differences) == ("existed", ())


async def test_two_rows_for_one_user_do_not_both_create_it(
    client: MonoCloudClient, tenant: Emulator, tmp_path: Path
) -> None:
    rows = people(1)

    async def twice() -> AsyncIterator[dict[str, Any]]:
        yield rows[0]
        tenant.faults.add(lost("users.create", executed=False))
        yield rows[0]

    run = client.users.import_many(twice(), journal=tmp_path / "journal", concurrency=1)
    assert [one.status async for one in run] == ["created", "existed"]


async def test_a_failed_lookup_reports_the_lost_response(tenant: Emulator, tmp_path: Path) -> None:
    tenant.faults.add(lost("users.create", executed=True))
    tenant.faults.add(Fault(status=500, operation="users.list", times=1))
    async with MonoCloudClient(tenant.url, tenant.api_key, retry=ONCE) as client:
        (one,) = await imported(client, people(1), journal=tmp_path / "journal")
        assert (one.status, one.may_have_been_applied) == ("failed", True)
        assert isinstance(one.error, TransportError)
        assert "could not look up the user" in one.notes[0]
        (again,) = await imported(client, people(1), journal=tmp_path / "journal")
    assert again.status == "created"
    assert tenant.executions_of("users.create") == 1


STEPS = {
    "emails.add": {"emails": [{"email": "b@example.com"}]},
    "phones.add": {"phone_number": "+441514960453", "phone_numbers": [{"phone": "+441514960454"}]},
    "users.patch_claims": {"claims": {"locale": "et"}},
    "data.patch_private": {"private_data": {"plan": "pro"}},
    "data.patch_public": {"public_data": {"plan": "pro"}},
    "groups.assign": {"groups": ["Staff"]},
    "users.disable": {"disabled": True},
}


@pytest.mark.parametrize("executed", [True, False])
async def test_steps_with_lost_responses_are_completed(
    executed: bool, client: MonoCloudClient, tenant: Emulator
) -> None:
    group = tenant.add_group("Staff")
    for operation in STEPS:
        tenant.faults.add(lost(operation, executed=executed))
    rows = [{**one, **members} for one, members in zip(people(9), STEPS.values(), strict=False)]
    found = await imported(client, rows, groups={"Staff": group})
    for one, operation in zip(found, STEPS, strict=True):
        assert (one.status, one.error, len(one.steps)) == ("created", None, 2)
        # The API allows repeating some steps; an addition is looked up before it is repeated.
        most = 1 if not executed or "add" in operation or "assign" in operation else 2
        assert 1 <= tenant.executions_of(operation) <= most
    assert len(tenant.export()) == len(STEPS)


async def test_the_next_run_resumes_at_the_failed_step(
    client: MonoCloudClient, tenant: Emulator, tmp_path: Path
) -> None:
    group = tenant.add_group("Staff")
    for operation in STEPS:
        tenant.faults.add(Fault(status=400, operation=operation, times=1))
    row: dict[str, Any] = {"email": "a@example.com"}
    for members in STEPS.values():
        row |= members
    options: dict[str, Any] = {"groups": {"Staff": group}, "journal": tmp_path / "journal"}
    names = ["create", "emails", "phones", "claims", "private_data", "public_data", "groups"]
    for done in range(1, 8):
        (one,) = await imported(client, [row], **options)
        assert (one.status, one.steps) == ("failed", tuple(names[:done]))
        assert one.user_id
    (one,) = await imported(client, [row], **options)
    assert (one.status, one.steps) == ("created", (*names, "disable"))
    assert made(tenant) == ["users.create", *STEPS]


# Resuming a run


async def test_rows_with_an_unknown_outcome_are_looked_up(
    client: MonoCloudClient, tenant: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "journal"
    with contextlib.closing(ImportJournal(path, tenant.url)) as journal:
        journal.begin(3)
    await client.users.create(email="u1@example.com", name="User 1", email_verified=False)
    found = await imported(client, people(5), journal=path)
    assert [one.status for one in found] == ["created"] * 5
    assert tenant.executions_of("users.create") == 5
    assert tenant.counts.requests_by_operation["users.list"] == 3


async def test_an_abandoned_run_can_be_resumed(
    client: MonoCloudClient, tenant: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "journal"
    seen = 0
    async with contextlib.aclosing(client.users.import_many(people(300), journal=path)) as run:
        async for _ in run:
            seen += 1
            if seen == 100:
                break
    found = await imported(client, people(300), journal=path)
    assert [one.status for one in found] == ["created"] * 300
    assert sum(one.earlier for one in found) >= 100
    assert tenant.executions_of("users.create") == 300
    for one in found:
        assert (one.attempts == 0) == one.earlier
        assert (one.user is None) == one.earlier


async def test_a_journal_refuses_another_tenant_and_a_changed_row(
    client: MonoCloudClient, tenant: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "journal"
    await imported(client, people(2), journal=path)
    changed = [*people(1), {"email": "u1@example.com", "name": "Another"}, *people(1)]
    found = await imported(client, changed, journal=path)
    assert [one.status for one in found] == ["created", "failed", "existed"]
    assert "has changed since the import started it" in str(found[1].error)
    assert found[1].attempts == 0
    again = await imported(client, people(2), journal=path)
    assert [one.earlier for one in again] == [True, True]
    async with Emulator([]) as elsewhere, MonoCloudClient(elsewhere.url, "key") as other:
        with pytest.raises(ConfigurationError, match="it belongs to http"):
            await imported(other, people(2), journal=path)
        assert not elsewhere.counts.requests


async def test_a_failed_row_can_be_corrected(
    client: MonoCloudClient, tenant: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "journal"
    short = {"email": "a@example.com", "password": "short"}
    tenant.faults.add(Fault(status=400, operation="data.patch_private", times=1))
    half = {"email": "b@example.com", "private_data": {"plan": "wrong"}}
    found = await imported(client, [short, half], journal=path)
    assert [one.status for one in found] == ["failed", "failed"]
    other = {"email": "c@example.com", "private_data": {"plan": "pro"}}
    for _ in range(2):
        (one, two) = await imported(client, [{"email": "new@example.com"}, other], journal=path)
        assert (one.status, two.status, two.user_id) == ("created", "failed", None)
        assert "has changed since the import started it" in str(two.error)
    right = {"email": "b@example.com", "private_data": {"plan": "pro"}}
    (one, two) = await imported(client, [{"email": "new@example.com"}, right], journal=path)
    assert (one.earlier, two.status) == (True, "created")
    assert tenant.executions_of("users.create") == 2


async def test_a_failed_row_that_a_killed_run_created_counts_as_created(
    client: MonoCloudClient, tenant: Emulator, tmp_path: Path
) -> None:
    rows = [{"email": "b@example.com", "private_data": {"plan": "pro"}}]
    path = tmp_path / "journal"
    tenant.faults.add(Fault(status=422, operation="users.create", times=1))
    (one,) = await imported(client, rows, journal=path)
    assert one.status == "failed"
    # The journal as kill -9 leaves it between the creation and the next write.
    tenant.faults.add(Fault(status=401, operation="data.patch_private", times=1))
    run = client.users.import_many(rows, journal=path)
    write = ImportJournal.record
    with pytest.MonkeyPatch.context() as patch:

        def record(self: ImportJournal, entries: Sequence[Any]) -> None:
            if tenant.executions == 0:
                write(self, entries)

        patch.setattr(ImportJournal, "record", record)
        with pytest.raises(UnauthorizedError):
            await anext(run)
    assert tenant.executions_of("users.create") == 1
    (one,) = await imported(client, rows, journal=path)
    assert (one.status, one.steps) == ("created", ("create", "private_data"))


async def test_a_failed_row_can_be_corrected_after_a_run_with_a_wrong_key(
    client: MonoCloudClient, tenant: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "journal"
    tenant.faults.add(Fault(status=422, operation="users.create", times=1))
    tenant.faults.add(Fault(status=401, operation="users.create", times=1))
    await imported(client, [{"email": "b@example.com"}], journal=path)
    with pytest.raises(UnauthorizedError):
        await imported(client, [{"email": "b@example.com"}], journal=path)
    (one,) = await imported(client, [{"email": "right@example.com"}], journal=path)
    assert one.status == "created"


async def test_a_run_that_cannot_read_a_created_user_can_be_resumed(
    tenant: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "journal"
    rows = [{"email": "b@example.com", "private_data": {"plan": "pro"}}]
    tenant.faults.add(Fault(status=400, operation="data.patch_private", times=1))
    tenant.faults.add(Fault(status=500, operation="users.get", times=1))
    async with MonoCloudClient(tenant.url, tenant.api_key, retry=ONCE) as client:
        for _ in range(2):
            (one,) = await imported(client, rows, journal=path)
            assert one.status == "failed"
        (one,) = await imported(client, rows, journal=path)
    assert (one.status, one.steps) == ("created", ("create", "private_data"))
    assert tenant.executions_of("users.create") == 1


async def test_a_journal_write_that_fails_at_the_end_is_reported(
    client: MonoCloudClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ImportJournal, "record", _broken)
    with pytest.raises(MonoCloudError, match="cannot be kept: database or disk is full"):
        await imported(client, people(1), journal=tmp_path / "journal")


def _broken(self: ImportJournal, entries: object) -> None:
    with self._reporting_errors():
        raise sqlite3.OperationalError("database or disk is full")


async def test_a_journal_contains_no_personal_data(
    client: MonoCloudClient, tenant: Emulator, tmp_path: Path
) -> None:
    row = {
        "source_id": "source-1",
        "email": "mira@example.com",
        "username": "mira-the-user",
        "phone_number": "+441514960453",
        "password": "Secret-1234",
        "name": "Mira Kask",
        "private_data": {"plan": "private-plan"},
    }
    refusal = {"detail": "mira@example.com, Mira Kask and mira-the-user are no good", "status": 400}
    tenant.faults.add(Fault(status=400, problem=refusal, operation="data.patch_private", times=1))
    path = tmp_path / "journal"
    (one,) = await imported(client, [row], journal=path)
    assert one.status == "failed"
    assert "Mira Kask" in str(one.error)
    content = _content(tmp_path)
    for text in ("mira", "Kask", "4415149", "Secret-1234", "private-plan", "source-1", "Staff"):
        assert text.encode() not in content, text
    with contextlib.closing(sqlite3.connect(path)) as journal:
        ((error, status),) = journal.execute("SELECT error, http_status FROM entry")
    assert "***, *** and *** are no good" in error
    assert status == 400


def _content(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.iterdir())


async def test_a_deleted_user_is_not_created_again(
    tenant: Emulator, client: MonoCloudClient, tmp_path: Path
) -> None:
    tenant.faults.add(Fault(status=400, operation="data.patch_private", times=1))
    rows = [{"email": "a@example.com", "private_data": {"plan": "pro"}}]
    (one,) = await imported(client, rows, journal=tmp_path / "journal")
    await client.users.delete(str(one.user_id))
    (one,) = await imported(client, rows, journal=tmp_path / "journal")
    assert (one.status, "its user no longer exists" in one.notes[0]) == ("failed", True)
    assert tenant.executions_of("users.create") == 1


async def test_a_journal_that_cannot_be_written_ends_the_import(
    client: MonoCloudClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ImportJournal, "record", _broken)
    with pytest.raises(MonoCloudError, match="cannot be kept: database or disk is full"):
        await imported(client, people(500), journal=tmp_path / "journal")


# The reset email, which is sent once


async def test_a_reset_email_is_sent_last_and_only_once(
    client: MonoCloudClient, tenant: Emulator, tmp_path: Path
) -> None:
    rows = [{"email": "a@example.com", "disabled": True}, {"username": "b"}]
    first, second = await imported(client, rows, journal=tmp_path / "journal", send_reset=True)
    assert first.steps == ("create", "disable", "reset")
    assert second.notes == ("reset: not sent, because the user has no email address",)
    await imported(client, rows, journal=tmp_path / "journal", send_reset=True)
    assert tenant.executions_of("passwords.reset") == 1


@pytest.mark.parametrize("executed", [True, False])
async def test_a_reset_email_is_not_sent_again_after_a_lost_response(
    executed: bool, client: MonoCloudClient, tenant: Emulator, tmp_path: Path
) -> None:
    tenant.faults.add(lost("passwords.reset", executed=executed))
    (one,) = await imported(client, people(1), journal=tmp_path / "journal", send_reset=True)
    assert (one.status, "may have been sent" in one.notes[0]) == ("created", True)
    await imported(client, people(1), journal=tmp_path / "journal", send_reset=True)
    assert tenant.counts.requests_by_operation["passwords.reset"] == 1


async def test_a_reset_email_begun_before_a_kill_is_not_sent_again(
    client: MonoCloudClient, tenant: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "journal"
    (one,) = await imported(client, people(1), journal=path)
    with contextlib.closing(sqlite3.connect(path)) as journal:
        journal.execute("UPDATE entry SET status = 'open', steps = 'create reset?'")
        journal.commit()
    (one,) = await imported(client, people(1), journal=path, send_reset=True)
    assert (one.status, "may have been sent" in one.notes[0]) == ("created", True)
    assert not tenant.executions_of("passwords.reset")


async def test_a_refused_reset_email_can_be_sent_later(
    client: MonoCloudClient, tenant: Emulator, tmp_path: Path
) -> None:
    tenant.faults.add(Fault(status=422, operation="passwords.reset", times=1))
    (one,) = await imported(client, people(1), journal=tmp_path / "journal", send_reset=True)
    assert one.status == "failed"
    (one,) = await imported(client, people(1), journal=tmp_path / "journal", send_reset=True)
    assert (one.status, one.steps) == ("created", ("create", "reset"))


# Lookups


def _page(*users: dict[str, Any], more: bool = False, number: int = 1) -> Any:
    paging = {
        "page_size": 50,
        "current_page": number,
        "total_count": 5000,
        "has_previous": number > 1,
        "has_next": more,
    }
    return answer(200, list(users), X_Pagination=json.dumps(paging))


def _named(name: str) -> dict[str, Any]:
    return {"user_id": name, "emails": [{"id": "e", "email": f"{name}@example.com"}]}


def _lists(requests: Iterable[Request]) -> list[str]:
    return [r.target for r in requests if r.line.startswith("GET") and "filter" in r.target]


async def test_filter_results_with_other_identifiers_are_ignored() -> None:
    refusal = problem(422)
    steps = [refusal, _page(_named("ou0"), _named("u0x")), _page(), answer(201, _named("u0"))]
    async with Wire(*steps) as wire, MonoCloudClient(wire.url, "key", retry=ONCE) as client:
        (one,) = await imported(client, [{"email": "u0@example.com"}])
    assert one.status == "failed"
    assert len(_lists(wire.requests)) == 2


async def test_a_filter_field_that_the_api_does_not_know_is_left_out() -> None:
    steps = [
        problem(409),
        problem(400),
        _page(_named("x"), _named("u0")),
        answer(200, _named("u0")),
    ]
    async with Wire(*steps) as wire, MonoCloudClient(wire.url, "key", retry=ONCE) as client:
        (one,) = await imported(client, [{"email": "U0@example.com"}])
    assert (one.status, one.user_id) == ("existed", "u0")
    first, second = _lists(wire.requests)
    assert "email%3A%22U0%40example.com%22" in first
    assert "filter=%22U0%40example.com%22" in second


async def test_a_lookup_gives_up_when_the_filter_matches_too_many_users() -> None:
    pages = [
        _page(*(_named(f"x{n}-{i}") for i in range(50)), more=True, number=n + 1) for n in range(30)
    ]
    async with Wire(cut, *pages) as wire, MonoCloudClient(wire.url, "key", retry=ONCE) as client:
        (one,) = await imported(client, people(1))
    assert (one.status, one.may_have_been_applied) == ("failed", True)
    assert "the filter matched more than 1000 users" in one.notes[0]
    assert len(_lists(wire.requests)) <= 21


# Long runs, errors and journals


async def test_rows_are_read_only_as_they_are_needed(
    client: MonoCloudClient, tenant: Emulator
) -> None:
    taken = 0
    ahead = 0

    async def rows() -> AsyncIterator[dict[str, Any]]:
        nonlocal taken
        for row in people(1500):
            taken += 1
            yield row

    done = 0
    async for one in client.users.import_many(rows(), concurrency=8):
        done += 1
        ahead = max(ahead, taken - done)
        assert one.status == "created"
    assert done == 1500
    assert ahead < 100
    assert len(tenant.export()) == 1500


async def test_a_wrong_key_ends_the_import(tenant: Emulator, tmp_path: Path) -> None:
    async with MonoCloudClient(tenant.url, "wrong") as client:
        with pytest.raises(UnauthorizedError):
            await imported(client, people(100), journal=tmp_path / "journal")
    async with MonoCloudClient(tenant.url, tenant.api_key) as client:
        found = await imported(client, people(100), journal=tmp_path / "journal")
    assert [one.status for one in found] == ["created"] * 100


async def test_no_traceback_shows_a_password(tenant: Emulator) -> None:
    row = {"email": "mira@example.com", "name": "Kask", "password": "Secret-1234"}
    async with MonoCloudClient(tenant.url, "wrong") as client:
        with pytest.raises(UnauthorizedError) as caught:
            await imported(client, [row])
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    ours = [f for f in report.stack if "monocloud_async" in f.filename]
    assert any("importer" in frame.filename for frame in ours)
    for frame in ours:
        assert "Secret-1234" not in str(frame.locals), f"{frame.filename}:{frame.lineno}"


async def test_an_error_raised_by_the_rows_is_propagated(client: MonoCloudClient) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        yield from people(3)
        raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        await imported(client, rows())


async def test_closing_a_run_releases_its_journal(client: MonoCloudClient, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    run = client.users.import_many(people(3), journal=path)
    await anext(run)
    with pytest.raises(ConfigurationError, match="another run is using it"):
        await imported(client, people(3), journal=path)
    await run.aclose()
    assert len(await imported(client, people(3), journal=path)) == 3


SNIPPETS = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)


async def test_the_snippets_in_the_guide_work(
    tenant: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DOMAIN, tenant.url)
    monkeypatch.setenv(API_KEY, tenant.api_key)
    monkeypatch.chdir(tmp_path)
    lines = textwrap.indent("\n".join(SNIPPETS), "    ")
    given = {"MonoCloudClient": MonoCloudClient}
    exec(f"async def main():\n{lines}", given)
    await given["main"]()
    assert len(SNIPPETS) == 2
    assert [user["claims"]["locale"] for user in tenant.export()] == ["et"]


def test_the_guide_documents_every_member_of_a_row() -> None:
    documented = set(re.findall(r"`([a-z_]+)`", GUIDE.read_text()))
    assert documented.issuperset(MEMBERS)


def test_the_blocking_client_can_import_users(tmp_path: Path) -> None:
    from monocloud_sync.emulator import Emulator as Blocking

    with Blocking([]) as tenant:
        with monocloud_sync.MonoCloudClient(tenant.url, tenant.api_key) as client:
            run: Callable[[], Iterable[ImportOutcome]]

            def run() -> Iterable[ImportOutcome]:
                return client.users.import_many(iter(people(50)), journal=tmp_path / "journal")

            assert {one.status for one in run()} == {"created"}
            assert {one.earlier for one in run()} == {True}
        assert tenant.executions_of("users.create") == 50
