"""Random sequences of operations, through both clients, against a plain model of the tenant."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

import monocloud_async
import monocloud_sync
from monocloud_async import IdentityValidationError, NotFoundError, RetryPolicy
from monocloud_async.emulator.threaded import ThreadedEmulator

ONCE = RetryPolicy(max_attempts=1)
EMAILS = st.sampled_from(["ada@example.com", "ADA@example.com", "bob@example.com", "c@d.example"])
PHONES = st.sampled_from(["+441632960001", "+441632960002", "+441632960003"])
NAMES = st.sampled_from(["ada", "Ada", "bob", "cy"])
PASSWORDS = st.sampled_from(["Correct-Horse-1", "Correct-Horse-2", "short", "alllower-1"])
JSON = st.dictionaries(
    st.sampled_from("abc"), st.none() | st.integers() | st.lists(st.booleans(), max_size=2)
)
CLAIMS = st.dictionaries(
    st.sampled_from(["name", "nickname", "locale"]), st.none() | st.sampled_from("xy"), min_size=1
)


class Blocking:
    """The blocking client."""

    def __init__(self, emulator: ThreadedEmulator) -> None:
        self.client = monocloud_sync.MonoCloudClient(
            emulator.url, emulator.api_key, retry=ONCE, timeout=30
        )

    def call(self, resource: str, method: str, *args: Any, **kwargs: Any) -> Any:
        return getattr(getattr(self.client, resource), method)(*args, **kwargs)

    def all(self, resource: str, method: str, *args: Any, **kwargs: Any) -> list[Any]:
        return list(self.call(resource, method, *args, **kwargs))

    def close(self) -> None:
        self.client.close()


class Awaiting:
    """The async client, on its own loop."""

    def __init__(self, emulator: ThreadedEmulator) -> None:
        self.loop = asyncio.new_event_loop()
        self.client = monocloud_async.MonoCloudClient(
            emulator.url, emulator.api_key, retry=ONCE, timeout=30
        )

    def call(self, resource: str, method: str, *args: Any, **kwargs: Any) -> Any:
        made = getattr(getattr(self.client, resource), method)(*args, **kwargs)
        return self.loop.run_until_complete(made)

    def all(self, resource: str, method: str, *args: Any, **kwargs: Any) -> list[Any]:
        return self.loop.run_until_complete(
            getattr(getattr(self.client, resource), method)(*args, **kwargs).collect()
        )

    def close(self) -> None:
        self.loop.run_until_complete(self.client.aclose())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()


class Modelled:
    """A user in the plain model."""

    def __init__(self) -> None:
        self.emails: dict[str, str] = {}
        self.phones: dict[str, str] = {}
        self.primary: dict[str, str | None] = {"email": None, "phone": None}
        self.verified: set[str] = set()
        self.name: str | None = None
        self.password: str | None = None
        self.claims: dict[str, Any] = {}
        self.data: dict[str, dict[str, Any]] = {"private": {}, "public": {}}
        self.disabled = False
        self.groups: set[str] = set()
        self.sessions: set[str] = set()


def broken_rules(password: str) -> set[str]:
    return {
        *(["PasswordTooShort"] if len(password) < 8 else []),
        *(["PasswordRequiresNonAlphanumeric"] if password.isalnum() else []),
        *(["PasswordRequiresUpper"] if password == password.lower() else []),
    }


class Tenancy(RuleBasedStateMachine):
    kind: type[Blocking] | type[Awaiting]
    users = Bundle("users")
    gone = Bundle("gone")
    groups = Bundle("groups")

    def __init__(self) -> None:
        super().__init__()
        self.emulator = ThreadedEmulator([])
        self.emulator.start()
        self.api = self.kind(self.emulator)
        self.model: dict[str, Modelled] = {}
        self.stamps: dict[str, Any] = {}

    def teardown(self) -> None:
        self.api.close()
        self.emulator.close()

    @initialize(target=users)
    def begin(self) -> Any:
        first = self.create("ada@example.com", "+441632960001", "ada")
        self.add_phone(first, "+441632960002", True)
        return multiple(first, self.create(None, None, None))

    @initialize(target=groups)
    def begin_with_a_group(self) -> str:
        return self.emulator.add_group("first")

    @contextmanager
    def refused(self, *codes: str) -> Iterator[None]:
        """Expect a refusal with these codes, or success without codes."""
        if not codes:
            yield
            return
        with pytest.raises(IdentityValidationError) as error:
            yield
        assert {finding.code for finding in error.value.errors} == set(codes)

    def taken(self, kind: str, value: str, except_user: str = "") -> bool:
        def values(user: Modelled) -> list[str]:
            if kind == "username":
                return [user.name] if user.name else []
            return list((user.emails if kind == "email" else user.phones).values())

        return any(
            value.lower() in map(str.lower, values(user))
            for user_id, user in self.model.items()
            if user_id != except_user
        )

    @rule(target=users, email=st.none() | EMAILS, phone=st.none() | PHONES, name=st.none() | NAMES)
    def create(self, email: str | None, phone: str | None, name: str | None) -> Any:
        given = {"email": email, "phone": phone, "username": name}
        codes = {"email": "DuplicateEmail", "phone": "DuplicatePhoneNumber"}
        found = [k for k, value in given.items() if value and self.taken(k, value)][:1]
        with self.refused(*(codes.get(kind, "DuplicateUserName") for kind in found)):
            made = self.api.call(
                *("users", "create"), email=email, phone_number=phone, username=name, nickname="n"
            )
            assert made.response.status == 201
            user = self.model[made.user_id] = Modelled()
            user.emails = {row.id: row.email for row in made.emails}
            user.phones = {row.id: row.phone for row in made.phone_numbers}
            user.primary = {
                "email": next(iter(user.emails), None),
                "phone": next(iter(user.phones), None),
            }
            user.name, user.claims = name, {"nickname": "n"}
            return made.user_id
        return multiple()

    @rule(target=gone, user_id=consumes(users))
    def delete(self, user_id: str) -> str:
        assert self.api.call("users", "delete", user_id) is None
        del self.model[user_id]
        return user_id

    @rule(user_id=gone)
    def a_deleted_user_is_not_found(self, user_id: str) -> None:
        for resource, method in (("users", "get"), ("users", "delete"), ("data", "get_public")):
            with pytest.raises(NotFoundError):
                self.api.call(resource, method, user_id)

    @rule(user_id=users, email=EMAILS, is_verified=st.booleans())
    def add_email(self, user_id: str, email: str, is_verified: bool) -> None:
        taken = self.taken("email", email)
        with self.refused(*["DuplicateEmail"][: int(taken)]):
            made = self.api.call("emails", "add", user_id, email, is_verified=is_verified)
            self.added(self.model[user_id], self.model[user_id].emails, made.emails[-1], "email")

    @rule(user_id=users, phone=PHONES, is_verified=st.booleans())
    def another_phone(self, user_id: str, phone: str, is_verified: bool) -> None:
        self.add_phone(user_id, phone, is_verified)

    def add_phone(self, user_id: str, phone: str, is_verified: bool) -> None:
        taken = self.taken("phone", phone)
        with self.refused(*["DuplicatePhoneNumber"][: int(taken)]):
            made = self.api.call("phones", "add", user_id, phone, is_verified=is_verified)
            new = made.phone_numbers[-1]
            self.added(self.model[user_id], self.model[user_id].phones, new, "phone")

    def added(self, user: Modelled, rows: dict[str, str], new: Any, kind: str) -> None:
        rows[new.id] = getattr(new, kind)
        if new.verified:
            user.verified.add(new.id)

    @rule(user_id=users, kind=st.sampled_from(["email", "phone"]), data=st.data())
    def change_an_identifier(self, user_id: str, kind: str, data: st.DataObject) -> None:
        user = self.model[user_id]
        rows = user.emails if kind == "email" else user.phones
        wanted = data.draw(st.sampled_from([*rows, "nothing"]))
        method = data.draw(
            st.sampled_from(["remove", "set_primary", "set_verified", "set_unverified"])
        )
        if wanted not in rows:
            with pytest.raises(NotFoundError):
                self.api.call(f"{kind}s", method, user_id, wanted)
            return
        self.api.call(f"{kind}s", method, user_id, wanted)
        if method == "set_primary":
            user.primary[kind] = wanted
        elif method == "set_verified":
            user.verified.add(wanted)
        else:
            user.verified.discard(wanted)
        if method == "remove":
            del rows[wanted]
            if user.primary[kind] == wanted:
                user.primary[kind] = None

    @rule(user_id=users, name=NAMES)
    def name(self, user_id: str, name: str) -> None:
        with self.refused(*["DuplicateUserName"][: int(self.taken("username", name, user_id))]):
            self.api.call("usernames", "update", user_id, name)
            self.model[user_id].name = name

    @rule(user_id=users)
    def remove_name(self, user_id: str) -> None:
        user = self.model[user_id]
        self.call_if(user.name is not None, "usernames", "remove", user_id)
        user.name = None

    @rule(user_id=users, password=PASSWORDS)
    def set_password(self, user_id: str, password: str) -> None:
        with self.refused(*broken_rules(password)):
            self.api.call("passwords", "set", user_id, password)
            self.model[user_id].password = password

    @rule(user_id=users, old=PASSWORDS, new=PASSWORDS)
    def change_password(self, user_id: str, old: str, new: str) -> None:
        user = self.model[user_id]
        wrong = {"PasswordMismatch"} if user.password != old else set[str]()
        with self.refused(*(broken_rules(new) or wrong)):
            self.api.call("passwords", "change", user_id, old, new)
            user.password = new

    @rule(user_id=users)
    def remove_password(self, user_id: str) -> None:
        user = self.model[user_id]
        self.call_if(user.password is not None, "passwords", "remove", user_id)
        user.password = None

    @rule(user_id=users, claims=CLAIMS)
    def patch_claims(self, user_id: str, claims: dict[str, Any]) -> None:
        self.api.call("users", "patch_claims", user_id, **claims)
        merged = {**self.model[user_id].claims, **claims}
        self.model[user_id].claims = {k: v for k, v in merged.items() if v is not None}

    @rule(user_id=users, which=st.sampled_from(["private", "public"]), changes=JSON)
    def patch_data(self, user_id: str, which: str, changes: dict[str, Any]) -> None:
        merged = {**self.model[user_id].data[which], **changes}
        kept = {k: v for k, v in merged.items() if v is not None}
        answer = self.api.call("data", f"patch_{which}", user_id, changes)
        assert getattr(answer, f"{which}_data") == kept
        self.model[user_id].data[which] = kept

    @rule(user_id=users, disabled=st.booleans(), revoke_sessions=st.booleans())
    def switch(self, user_id: str, disabled: bool, revoke_sessions: bool) -> None:
        user = self.model[user_id]
        if disabled:
            self.api.call("users", "disable", user_id, revoke_sessions=revoke_sessions)
            user.sessions -= user.sessions if revoke_sessions else set()
        else:
            self.api.call("users", "enable", user_id)
        user.disabled = disabled

    @rule(target=groups, name=NAMES)
    def add_group(self, name: str) -> str:
        return self.emulator.add_group(name)

    @rule(user_id=users, group_id=groups)
    def join(self, user_id: str, group_id: str) -> None:
        made = self.api.call("groups", "assign", user_id, group_id)
        assert (made.user_id, made.group_id) == (user_id, group_id)
        self.model[user_id].groups.add(group_id)

    @rule(user_id=users, group_id=groups)
    def leave(self, user_id: str, group_id: str) -> None:
        user = self.model[user_id]
        self.call_if(group_id in user.groups, "groups", "remove", user_id, group_id)
        user.groups.discard(group_id)

    @rule(user_id=users)
    def sign_in(self, user_id: str) -> None:
        self.model[user_id].sessions.add(self.emulator.add_session(user_id).session_id)

    @rule(user_id=users, data=st.data())
    def revoke(self, user_id: str, data: st.DataObject) -> None:
        user = self.model[user_id]
        wanted = data.draw(st.sampled_from([*sorted(user.sessions), "nothing"]))
        self.call_if(wanted in user.sessions, "sessions", "revoke", user_id, wanted)
        user.sessions.discard(wanted)

    def call_if(self, there: bool, resource: str, method: str, *args: str) -> None:
        """Call for something that exists, or expect that it is not found."""
        if there:
            self.api.call(resource, method, *args)
            return
        with pytest.raises(NotFoundError):
            self.api.call(resource, method, *args)

    @rule(group_id=groups, size=st.integers(1, 3))
    def members_are_listed(self, group_id: str, size: int) -> None:
        found = self.api.all("groups", "list_users", group_id, size=size)
        wanted = [user_id for user_id, user in self.model.items() if group_id in user.groups]
        assert [user.user_id for user in found] == wanted

    @rule(user_id=users)
    def lists_of_a_user(self, user_id: str) -> None:
        user = self.model[user_id]
        groups = self.api.all("groups", "list", user_id, size=1)
        assert {group.group_id for group in groups} == user.groups
        sessions = self.api.all("sessions", "list", user_id, size=2)
        assert {session.session_id for session in sessions} == user.sessions

    @rule(email=EMAILS, size=st.integers(1, 3))
    def search(self, email: str, size: int) -> None:
        found = self.api.all("users", "list", filter=f'email:"{email}"', size=size)
        wanted = [
            user_id
            for user_id, user in self.model.items()
            if email.lower() in map(str.lower, user.emails.values())
        ]
        assert [user.user_id for user in found] == wanted

    @invariant()
    def the_tenant_matches_the_model(self) -> None:
        exported = {record["user_id"]: record for record in self.emulator.export()}
        assert list(exported) == list(self.model)
        for user_id, user in self.model.items():
            check(exported[user_id], user)
            stamp = exported[user_id]["last_updated"]
            assert stamp >= self.stamps.get(user_id, 0)
            self.stamps[user_id] = stamp

    @invariant()
    def an_export_can_be_a_seed(self) -> None:
        exported = self.emulator.export_all()
        assert ThreadedEmulator(exported).export_all() == exported
        assert "Correct-Horse" not in repr(exported)


def check(record: dict[str, Any], user: Modelled) -> None:
    for kind, rows in (("email", record["emails"]), ("phone", record["phone_numbers"])):
        held = user.emails if kind == "email" else user.phones
        assert {row["id"]: row[kind] for row in rows} == held
        primary = user.primary[kind]
        assert [row["id"] for row in rows if row["primary"]] == ([primary] if primary else [])
        assert {row["id"] for row in rows if row["verified"]} == user.verified & set(held)
    assert (record["username"] or {}).get("username") == user.name
    assert record["has_password"] == (user.password is not None)
    assert record["claims"] == user.claims
    assert record["private_data"] == user.data["private"]
    assert record["public_data"] == user.data["public"]
    assert record["disabled"] == user.disabled


class AsyncTenancy(Tenancy):
    kind = Awaiting


class SyncTenancy(Tenancy):
    kind = Blocking


def as_test(machine: type[Tenancy], examples: int) -> Callable[..., Any]:
    """Return the test of a machine, with this many examples of fifty steps."""
    test: Callable[..., Any] = type(machine.__name__, (machine,), {}).TestCase
    test.settings = settings(  # type: ignore[attr-defined]
        max_examples=examples,
        stateful_step_count=50,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    return test


TestAsyncTenancy = as_test(AsyncTenancy, 20)
TestSyncTenancy = as_test(SyncTenancy, 20)
TestAsyncTenancyInFull = pytest.mark.full(as_test(AsyncTenancy, 100))
TestSyncTenancyInFull = pytest.mark.full(as_test(SyncTenancy, 100))
