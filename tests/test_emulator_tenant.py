"""A whole tenant in the emulator: its records, searches, seeds, addresses and certificates."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import jsonschema
import pytest

import monocloud_sync.emulator
from monocloud_async import (
    BadRequestError,
    ConfigurationError,
    IdentityValidationError,
    KeyValidationError,
    MonoCloudClient,
    NotFoundError,
    ServerError,
)
from monocloud_async.emulator import PHONE_ID, USER_ID, Emulator, Fault
from monocloud_async.emulator.json_copy import copied
from monocloud_async.emulator.routing import find
from monocloud_async.emulator.seed import schema
from monocloud_async.retry import RetryPolicy

ONCE = RetryPolicy(max_attempts=1)
NUMBER = "+447700900999"
SEED = Path(__file__).parents[1] / "monocloud_async" / "emulator" / "seed.json"


@pytest.fixture
async def server() -> AsyncIterator[Emulator]:
    async with Emulator() as server:
        yield server


@pytest.fixture
async def client(server: Emulator) -> AsyncIterator[MonoCloudClient]:
    async with MonoCloudClient(server.url, server.api_key, retry=ONCE) as client:
        yield client


async def fetched(url: str, **headers: str) -> tuple[int, Any, str]:
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        return response.status, response.headers, await response.text()


# Paths


@pytest.mark.parametrize(
    ("method", "path", "name", "ids"),
    [
        ("GET", "/api/users/groups/g/assigned", "groups.list_users", ("g",)),
        ("GET", "/api/users/groups/groups/assigned", "groups.list_users", ("groups",)),
        ("DELETE", "/api/users/groups/groups/assigned", "groups.remove", ("groups", "assigned")),
        ("GET", "/api/users/groups/groups/g", "groups.get", ("groups", "g")),
        ("GET", "/api/users/groups", "users.get", ("groups",)),
        ("POST", "/api/users/groups/phones", "phones.add", ("groups",)),
        ("GET", "/api/users/a%2Fb/sessions/%252F", "sessions.get", ("a/b", "%2F")),
    ],
)
def test_the_more_literal_path_wins(
    method: str, path: str, name: str, ids: tuple[str, ...]
) -> None:
    match = find(method, path)
    assert match
    assert (match.operation.name, match.ids) == (name, ids)
    assert match.user_id == (None if name == "groups.list_users" else ids[0])


async def test_a_fault_for_a_user_leaves_a_group_of_that_id_alone(server: Emulator) -> None:
    group_id = server.add_group("Staff", USER_ID, group_id=USER_ID)
    server.faults.add(Fault(status=503, user_id=USER_ID))
    async with MonoCloudClient(server.url, server.api_key, retry=ONCE) as client:
        assert [user.user_id for user in await client.groups.list_users(group_id).collect()] == [
            USER_ID
        ]
        with pytest.raises(ServerError):
            await client.groups.get(USER_ID, group_id)


# Identifiers


async def test_an_identifier_belongs_to_one_user_of_the_tenant(client: MonoCloudClient) -> None:
    other = await client.users.create(username="Eve", email="eve@example.com")
    for call, code in (
        (client.emails.add(USER_ID, "EVE@example.com"), "DuplicateEmail"),
        (client.usernames.update(USER_ID, "EVE"), "DuplicateUserName"),
        (client.phones.add(other.user_id, "+441632960961"), "DuplicatePhoneNumber"),
        (client.users.create(phone_number="+441632960961"), "DuplicatePhoneNumber"),
        (client.emails.add(USER_ID, "no address"), "InvalidEmail"),
        (client.usernames.update(USER_ID, " eve"), "InvalidUserName"),
    ):
        with pytest.raises(IdentityValidationError) as refused:
            await call
        assert [finding.code for finding in refused.value.errors] == [code]
    renamed = await client.usernames.update(other.user_id, "eve")
    assert renamed.username
    assert other.username
    assert renamed.username.id == other.username.id
    await client.users.delete(other.user_id)
    await client.emails.add(USER_ID, "eve@example.com")


async def test_a_seed_may_contain_a_number_twice() -> None:
    phones = [{"id": "p", "phone": NUMBER}]
    users = [{"user_id": name, "phone_numbers": phones} for name in ("u", "v")]
    async with Emulator([*users, {"user_id": "w"}]) as server:
        assert server.export()[:2] == users
        async with MonoCloudClient(server.url, server.api_key) as client:
            await client.phones.remove("u", "p")
            with pytest.raises(IdentityValidationError):
                await client.phones.add("w", NUMBER)
            await client.phones.remove("v", "p")
            await client.phones.add("w", NUMBER)


# Lists


@pytest.fixture
async def many() -> AsyncIterator[MonoCloudClient]:
    users = [
        {
            "user_id": f"u{n:02}",
            "claims": {"name": f"Person {n} Example", "nickname": "P*" if n == 3 else f"p{n}"},
            "emails": [{"id": "e", "email": f"p{n}@example.com"}],
            "phone_numbers": [{"id": "p", "phone": f"+4477009000{n:02}"}],
            "disabled": n % 2 == 1,
            "failure_count": n,
            "last_activity": None if n < 2 else 1000 - n,
        }
        for n in range(23)
    ]
    async with Emulator(users) as server:
        async with MonoCloudClient(server.url, server.api_key, retry=ONCE) as client:
            yield client


async def test_a_list_is_paged(many: MonoCloudClient) -> None:
    response = await many.request("GET", "/users")
    paging = json.loads(response.headers["x-pagination"])
    assert paging == {
        "page_size": 10,
        "current_page": 1,
        "total_count": 23,
        "has_previous": False,
        "has_next": True,
    }
    pages = [page async for page in many.users.list(size=10).pages()]
    assert [len(page.items) for page in pages] == [10, 10, 3]
    assert [page.has_previous for page in pages] == [False, True, True]
    beyond = await many.request("GET", "/users", query={"page": 9, "size": 1000})
    paging = json.loads(beyond.headers["x-pagination"])
    assert (beyond.json(), paging["page_size"], paging["has_next"]) == ([], 100, False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("page", "0"),
        ("page", "-1"),
        ("page", "x"),
        ("page", "1.5"),
        ("page", "٣"),
        ("size", "0"),
        ("size", "9" * 30),
        ("sort", "name:1"),
        ("sort", "creation_time"),
        ("sort", "creation_time:2"),
    ],
)
async def test_invalid_list_parameters_are_refused(
    many: MonoCloudClient, name: str, value: str
) -> None:
    with pytest.raises(BadRequestError, match=name):
        await many.request("GET", "/users", query={name: value})


async def test_a_list_is_sorted(many: MonoCloudClient) -> None:
    async def ids(sort: str) -> list[str]:
        found = await many.request("GET", "/users", query={"sort": sort, "size": 4})
        return [user["user_id"] for user in found.json()]

    assert await ids("failure_count:-1") == ["u22", "u21", "u20", "u19"]
    assert await ids("last_activity:1") == ["u00", "u01", "u22", "u21"]
    assert await ids("last_activity:-1") == ["u02", "u03", "u04", "u05"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("p7@example.com", [7]),
        ("P7", [7]),
        ("u0?", range(10)),
        ("email:p1*@EXAMPLE.com", [1, *range(10, 20)]),
        ("emails.email:p4@example.com", [4]),
        ("phone:+447700900007", [7]),
        ("phone_number:*05 OR name:6", [5, 6]),
        ("name:6 name:5", [5, 6]),
        ('"person 12 example"', [12]),
        ('"on 12"', []),
        ('name:"Person 12"', [12]),
        ("disabled:true AND u0?", [1, 3, 5, 7, 9]),
        ("u0? AND NOT disabled:true", [0, 2, 4, 6, 8]),
        ("(name:1 OR name:2) AND disabled:false", [2]),
        ("name:1 OR name:2 AND disabled:true", [1]),
        (r"nickname:P\*", [3]),
        ("failure_count:22", [22]),
        ("example", range(23)),
        ("and", []),
        (r"\[p]*", []),
        ("p" + "*p" * 200, []),
        ("nobody", []),
    ],
)
async def test_a_filter_selects_users(many: MonoCloudClient, text: str, found: Any) -> None:
    users = await many.users.list(filter=text).collect()
    assert [user.user_id for user in users] == [f"u{n:02}" for n in found]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("shoe_size:42", "unknown field 'shoe_size'"),
        ("name:", "name: has no term"),
        ("name:a:b", "."),
        ("a AND", "a term is missing"),
        ("OR a", "a term is missing"),
        ("(a", "unclosed parenthesis"),
        ("a)", "unmatched closing"),
        ('"a', "unexpected"),
        ("failure_count:[1 TO 5]", "not a single term"),
        ("failure_count:>5", "not a single term"),
        ("/p.*/", "not a single term"),
        ("ada~2", "not a single term"),
        ("ada^2", "not a single term"),
        ("+ada", "not a single term"),
        ("-ada", "not a single term"),
        ("a && b", "not a single term"),
        ("(" * 500, "too deep"),
        ("NOT " * 5000 + "a", "longer than"),
    ],
)
async def test_an_invalid_filter_is_refused(many: MonoCloudClient, text: str, message: str) -> None:
    with pytest.raises(BadRequestError, match=message):
        await many.users.list(filter=text).collect()


async def test_members_that_a_list_omits_are_not_searched() -> None:
    provider = {"provider_user_id": "e", "claims": {"secret": "found"}, "authenticator": "google"}
    record = {"user_id": "u", "private_data": {"secret": "found"}, "external_providers": [provider]}
    async with (
        Emulator([record]) as emulator,
        MonoCloudClient(emulator.url, emulator.api_key) as client,
    ):
        (shown,) = await client.users.list(
            filter="external_providers.authenticator:google"
        ).collect()
        assert "found" not in str(shown.to_dict())
        for text in ("private_data.secret:found", "external_providers.claims.secret:found"):
            with contextlib.suppress(BadRequestError):
                assert await client.users.list(filter=text).collect() == []


def test_a_copy_of_json_shares_nothing_mutable() -> None:
    value = {"a": [{"b": [1, "x", None, True, 1.5]}], "c": {}, "d": ({"e": []},)}
    copy = copied(value)
    assert copy == value
    copy["a"][0]["b"].append(2)
    copy["c"]["f"] = 1
    copy["d"][0]["e"].append(3)
    assert value == {"a": [{"b": [1, "x", None, True, 1.5]}], "c": {}, "d": ({"e": []},)}


# Sessions, grants and blocked addresses


async def test_revoking_a_session_ends_its_bound_tokens(
    server: Emulator, client: MonoCloudClient
) -> None:
    session = server.add_session(USER_ID, client_ids=["c"], ip_address="203.0.113.1")
    assert session == await client.sessions.get(USER_ID, session.session_id)
    bound = server.add_refresh_token(
        USER_ID, "c", session_id=session.session_id, is_session_bound=True
    )
    free = server.add_refresh_token(USER_ID, "c", session_id=session.session_id)
    listed = await client.grants.list_refresh_tokens(USER_ID, client_id="c").collect()
    assert listed == [bound, free]
    before = server.user(USER_ID).last_updated
    await client.sessions.revoke(USER_ID, session.session_id)
    assert server.user(USER_ID).last_updated == before
    assert await client.grants.list_refresh_tokens(USER_ID, client_id="c").collect() == [free]
    await client.users.disable(USER_ID, revoke_sessions=True)
    assert await client.sessions.list(USER_ID).collect() == []


async def test_grants_of_an_application_are_listed_and_revoked(
    server: Emulator, client: MonoCloudClient
) -> None:
    server.add_consent(USER_ID, "c", ["openid"])
    server.add_reference_token(USER_ID, "c")
    server.add_authorization_code(USER_ID, "d")
    grants = {
        one.client_id: one for one in await client.grants.list_client_grants(USER_ID).collect()
    }
    assert (grants["c"].consented, grants["c"].reference_tokens) == (True, 1)
    assert (grants["d"].consented, grants["d"].authorization_codes) == (False, 1)
    await client.grants.revoke_client_grants(USER_ID, "c")
    left = [one.client_id for one in await client.grants.list_client_grants(USER_ID).collect()]
    assert "c" not in left
    assert "d" in left
    with pytest.raises(NotFoundError):
        await client.grants.revoke_client_grants(USER_ID, "c")


async def test_blocked_addresses_are_listed_and_unblocked(
    server: Emulator, client: MonoCloudClient
) -> None:
    server.block_ip(USER_ID, "203.0.113.1")
    server.block_ip(USER_ID, "2001:db8::1")
    server.block_ip(USER_ID, "2001:db8::2")
    assert await client.blocked_ips.list(USER_ID, filter="203.0.113.1").first()
    await client.blocked_ips.unblock(USER_ID, "2001:0db8:0::1")
    await client.blocked_ips.unblock(USER_ID, "198.51.100.1")
    assert len(await client.blocked_ips.list(USER_ID).collect()) == 2
    with pytest.raises(KeyValidationError):
        await client.blocked_ips.unblock(USER_ID, "everything")
    await client.blocked_ips.unblock(USER_ID, "all")
    assert await client.blocked_ips.list(USER_ID).collect() == []


def test_additions_need_an_existing_user() -> None:
    server = monocloud_sync.emulator.Emulator()
    for add in (
        lambda: server.add_group("g", USER_ID, "x"),
        lambda: server.add_session("x"),
        lambda: server.add_consent("x", "c"),
        lambda: server.block_ip("x", "203.0.113.1"),
    ):
        with pytest.raises(KeyError, match="'x'"):
            add()
    assert server.export_all()["groups"] == Emulator().export_all()["groups"]
    taken = server.add_session(USER_ID).session_id, server.add_group("g")
    for add in (
        lambda: server.add_session(USER_ID, session_id=taken[0]),
        lambda: server.add_group("h", group_id=taken[1]),
        lambda: server.block_ip(USER_ID, "nowhere"),
    ):
        with pytest.raises(ConfigurationError, match=r"taken|IP address"):
            add()


async def test_an_address_is_patched_member_by_member(client: MonoCloudClient) -> None:
    await client.users.patch_claims(USER_ID, address={"country": "GB", "region": "Kent"})
    user = await client.users.patch_claims(USER_ID, address={"region": None, "locality": "Dover"})
    assert user.claims["address"] == {"country": "GB", "locality": "Dover"}
    assert "address" not in (await client.users.patch_claims(USER_ID, address=None)).claims
    with pytest.raises(KeyValidationError) as refused:
        await client.request(
            "PATCH", "/users/{user_id}/claims", USER_ID, body={"address": {"country": 7}}
        )
    assert list(refused.value.errors) == ["address.country"]


# Passwords


async def test_a_password_is_never_shown(server: Emulator, client: MonoCloudClient) -> None:
    secret = 'Canary-"1'
    await client.passwords.set(USER_ID, secret)
    await client.passwords.change(USER_ID, secret, f"{secret}2")
    await client.users.create(password=f"{secret}3", name="Eve")
    with pytest.raises(IdentityValidationError):
        await client.passwords.change(USER_ID, f"{secret}4", f"{secret}5")
    shown = [
        repr([request.to_dict() for request in server.requests]),
        repr(server.requests),
        repr(server.export_all()),
        repr(server._service.tenant.account(USER_ID)),
        (await fetched(f"{server.url}/_emulator/requests"))[2],
    ]
    assert not [text for text in shown if "Canary" in text]
    assert json.loads(server.requests[0].body)["password"] == "***"


async def test_password_rules_are_enforced(client: MonoCloudClient) -> None:
    with pytest.raises(IdentityValidationError) as refused:
        await client.passwords.set(USER_ID, "abc")
    assert [finding.code for finding in refused.value.errors] == [
        "PasswordTooShort",
        "PasswordRequiresNonAlphanumeric",
        "PasswordRequiresUpper",
    ]
    user = await client.passwords.set(USER_ID, "abc", skip_password_policy_checks=True)
    assert user.force_password_reset
    user = await client.passwords.change(USER_ID, "abc", "Correct-Horse-1")
    assert (user.has_password, user.force_password_reset) == (True, False)


# Faked success


async def test_a_faked_success_changes_nothing(server: Emulator, client: MonoCloudClient) -> None:
    server.faults.add(Fault(status=200, executed=False))
    before = server.export_all()
    made = await client.users.create(email="new@example.com")
    assert made.emails[0].email == "new@example.com"
    await client.data.patch_public(USER_ID, {"a": 1})
    await client.passwords.set(USER_ID, "Correct-Horse-9")
    await client.request("DELETE", "/users/{user_id}", USER_ID)
    assert (await client.users.disable(USER_ID, revoke_sessions=True)).disabled is False
    assert server.export_all() == before
    assert server.executions == 0
    server.faults.clear()
    await client.passwords.change(USER_ID, "Correct-Horse-7", "Correct-Horse-8")
    await client.emails.add(USER_ID, "new@example.com")


@pytest.mark.parametrize("fault", [Fault(body="html"), Fault(body="flood"), Fault(drip=0.01)])
async def test_body_faults_apply_to_responses_without_content(
    server: Emulator, fault: Fault
) -> None:
    server.faults.add(fault)
    headers = {"X-API-KEY": server.api_key}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.delete(f"{server.url}/api/users/{USER_ID}/password") as response:
            assert response.status == (200 if fault.body else 204)


# Seeds


def test_the_default_seed_and_every_export_match_the_schema() -> None:
    rules = json.loads(schema())
    jsonschema.Draft202012Validator.check_schema(rules)
    emulator = Emulator()
    emulator.add_group("Staff", USER_ID)
    emulator.add_reference_token(USER_ID, "c")
    emulator.add_authorization_code(USER_ID, "c")
    by_hand = {
        "users": [{"user_id": "u"}],
        "groups": [{"group_id": "g", "name": "G", "members": ["u"]}],
    }
    for seed in (
        json.loads(SEED.read_text()),
        emulator.export(),
        emulator.export_all(),
        by_hand,
    ):
        jsonschema.validate(seed, rules)
        Emulator(seed)
    for wrong in ({}, {"users": [{}]}, [{"user_id": ".."}], {"users": [], "sessions": [{}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, rules)
        with pytest.raises(ConfigurationError):
            Emulator(wrong)


async def test_a_whole_export_can_be_a_seed(server: Emulator, client: MonoCloudClient) -> None:
    server.add_session(USER_ID)
    await client.groups.assign(USER_ID, server.add_group("Staff"))
    exported = server.export_all()
    again = Emulator(json.loads(json.dumps(exported)))
    assert again.export_all() == exported
    again.add_session(USER_ID)
    again.reset()
    assert again.export_all() == exported


def tenant(**more: Any) -> dict[str, Any]:
    return {"users": [{"user_id": "u"}], **more}


@pytest.mark.parametrize(
    ("seed", "path"),
    [
        (tenant(groups={}), "$.groups"),
        (tenant(groups=[7]), "$.groups[0]"),
        (tenant(groups=[{"name": "G"}]), "$.groups[0].group_id"),
        (tenant(groups=[{"group_id": "g", "name": "G", "members": ["x"]}]), "members[0].user_id"),
        (tenant(groups=[{"group_id": "g", "name": "G"}] * 2), "$.groups[1].group_id"),
        (tenant(sessions=[{"session_id": "s"}]), "$.sessions[0].user_id"),
        (tenant(sessions=[{"user_id": "u", "session_id": "s"}] * 2), "$.sessions[1].session_id"),
        (tenant(sessions=[{"user_id": "u", "session_id": 7}]), "$.sessions[0].session_id"),
        (
            tenant(sessions=[{"user_id": "u", "session_id": "s", "expires_at": "x"}]),
            "$.sessions[0].expires_at",
        ),
        (tenant(grants=[]), "$.grants"),
        (tenant(grants={"consents": [{"user_id": "u", "id": "c"}]}), "consents[0].client_id"),
        (tenant(blocked_ips=[{"user_id": "u"}]), "$.blocked_ips[0].ip"),
        (tenant(blocked_ips=[{"user_id": "u", "ip": "nowhere"}]), "$.blocked_ips[0].ip"),
        (tenant(passwords=[{"user_id": "u"}]), "$.passwords[0].password"),
    ],
)
def test_a_bad_part_of_a_seed_is_named(seed: Any, path: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Emulator(seed)
    assert str(refused.value).endswith(path)


# Hosts and TLS


# Python 3.10 leaves the transport of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning" if sys.version_info < (3, 11) else "error"
)
async def test_https_uses_its_own_authority() -> None:
    server = Emulator(tls=True)
    async with server:
        assert server.url.startswith("https://127.0.0.1:")
        file = server.ca_file
        assert file.read_text() == server.ca_pem
        trusting = ssl.create_default_context(cafile=str(file))
        async with MonoCloudClient(server.url, server.api_key, ssl_context=trusting) as client:
            await client.phones.set_primary(USER_ID, PHONE_ID)
        server.faults.add(Fault(connection="reset", times=1))
        async with MonoCloudClient(server.url, server.api_key, ssl_context=trusting) as client:
            await client.phones.set_primary(USER_ID, PHONE_ID)
        async with MonoCloudClient(server.url, server.api_key, retry=ONCE) as stranger:
            with pytest.raises(Exception, match="certificate"):
                await stranger.users.get(USER_ID)
    assert not file.exists()
    with pytest.raises(ConfigurationError, match="tls=True"):
        _ = Emulator().ca_pem


def test_https_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "trustme", None)
    with pytest.raises(ConfigurationError, match=r"monocloud\[tls\]"):
        Emulator(tls=True)


async def test_a_public_host_is_logged_as_open(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "monocloud.emulator"):
        Emulator(host="localhost")
        assert caplog.records == []
        server = Emulator(host="0.0.0.0")
    assert "other machines can connect" in caplog.text
    async with server:
        assert server.url.startswith("http://127.0.0.1:")
        async with MonoCloudClient(server.url, server.api_key) as client:
            await client.users.get(USER_ID)


@pytest.mark.parametrize("host", ["", " ", None, 7, "http://127.0.0.1", "no.such.host.invalid"])
async def test_a_bad_host_is_refused(host: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"host must|cannot listen"):
        async with Emulator(host=host):
            pass


async def test_control_is_open_only_when_asked_for() -> None:
    async with Emulator() as closed, Emulator(open_control=True) as opened:
        assert (await fetched(f"{closed.url}/_emulator", Host="emulator:8080"))[0] == 403
        assert (await fetched(f"{opened.url}/_emulator", Host="emulator:8080"))[0] == 200
        headers = {"Host": "emulator:8080", "Origin": "https://example.com"}
        assert (await fetched(f"{opened.url}/_emulator", **headers))[0] == 403


async def test_a_browser_gets_the_page() -> None:
    users = [{"user_id": "<script>", "claims": {"name": "<b>&"}}]
    async with Emulator(users, api_key="canary-of-the-key") as server:
        status, headers, page = await fetched(server.url, Accept="text/html,*/*;q=0.8")
        assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "&lt;script&gt;" in page
        assert "<script>" not in page
        assert "<b>" not in page
        assert server.url in page
        assert "phones.set_primary" in page
        assert "canary" not in page
        assert server.requests == []
        accept = {"Accept": "text/html"}
        assert (await fetched(server.url, Host="rebound.example", **accept))[0] == 403
        assert (await fetched(server.url, Origin="https://example.com", **accept))[0] == 403
        assert (await fetched(server.url, Accept="application/json"))[0] == 401


async def test_each_request_is_logged_on_one_line(
    server: Emulator, client: MonoCloudClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "monocloud.emulator.access"):
        await client.phones.set_primary(USER_ID, PHONE_ID)
        server.faults.add(Fault(connection="reset"))
        with pytest.raises(Exception, match=r"phones\.set_primary"):
            await client.phones.set_primary(USER_ID, PHONE_ID)
        await fetched(f"{server.url}/_emulator")
        await asyncio.sleep(0)
    lines = [r.getMessage() for r in caplog.records if r.name == "monocloud.emulator.access"]
    assert len(lines) == 2
    assert f"/phones/{PHONE_ID}/primary -> 200 phones.set_primary" in lines[0]
    assert "-> no response phones.set_primary" in lines[1]
    assert lines[1].endswith("(fault)")
    assert server.api_key not in caplog.text
