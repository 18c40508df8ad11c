"""User code for the type checkers; it never runs."""

from collections.abc import Mapping, Sequence

from typing_extensions import assert_type

import monocloud_async
import monocloud_sync
from monocloud_async import (
    APIError,
    APIResponse,
    ExportedUser,
    ExportReport,
    IdentityValidationError,
    ImportOutcome,
    KeyValidationError,
    MonoCloudError,
    NotFoundError,
    Page,
    RateLimitedError,
    Response,
    ResponseDecodeError,
    RetryPolicy,
    TransportError,
    User,
    UserGroup,
    UserPhone,
    UserSummary,
)
from monocloud_async.bulk import Outcome, PhoneOutcome


async def awaited() -> None:
    async with monocloud_async.MonoCloudClient("acme.us.monocloud.com", "key") as client:
        user = await client.phones.set_primary("user", "phone")
        assert_type(user, User)
        assert_type(user.primary_phone, UserPhone | None)
        assert_type(user.phone_numbers, tuple[UserPhone, ...])
        assert_type(user.disabled, bool | None)
        assert_type(user.response, Response | None)
        added = await client.phones.add("user", "+441514960453", is_verified=True)
        assert_type(added.user_id, str)
        assert_type(await client.phones.set_primary_by_number("user", "+441514960453"), User)
        async for outcome in client.phones.set_primary_many([("u", "p")], rate=10, by="number"):
            assert_type(outcome, PhoneOutcome)
            assert_type(outcome.user, User | None)
            assert_type(outcome.error, MonoCloudError | None)
            assert_type(outcome.result, User | None)
        async for member in client.users.list(filter="bob", sort="creation_time:-1"):
            assert_type(member, UserSummary)
        async for exported in client.users.export(groups=True, rate=10):
            assert_type(exported, ExportedUser)
            assert_type(exported.groups, tuple[UserGroup, ...] | None)
        client.users.export(detials=False)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        async for page in client.users.list(size=100).pages():
            assert_type(page, Page[UserSummary])
        async for done in client.many(client.phones.set_primary, [("u", "p")]):
            assert_type(done, Outcome[User])
        async for gone in client.many(client.users.delete, [("u",)], rate=5.0):
            assert_type(gone, Outcome[None])
        async for made in client.many(client.users.create, [{"email": "a@example.com"}]):
            assert_type(made, Outcome[User])
        client.many(client.phones.set_primary, [("u",)])  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
        client.many(client.phones.set_primary, [("u", 7)])  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
        client.many(client.users.list, [()])  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
        await client.users.patch_claims("u", name=None, locale="de")
        await client.users.patch_claims("u", lokale="de")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        client.users.list(sort="age:1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        assert_type(await client.users.delete("u"), None)
        assert_type(await client.request("GET", "/users/{user_id}", "u"), APIResponse)
        quick = client.with_options(timeout=2.0, retry=RetryPolicy(max_attempts=1))
        assert_type(quick, monocloud_async.MonoCloudClient)


def waited_for() -> None:
    with monocloud_sync.MonoCloudClient() as client:
        user = client.phones.set_primary("user", "phone")
        assert_type(user, User)
        assert_type(client.phones.set_primary(user_id="u", identifier_id="p"), User)
        assert_type(client.users.get("user"), User)
        assert_type(client.phones.add("user", "+441514960453", is_verified=True), User)
        for outcome in client.phones.set_primary_many([("u", "p")], concurrency=4):
            assert_type(outcome, PhoneOutcome)
        client.phones.set_primary_many([("u", "p")]).close()
        for row in client.users.import_many([{"email": "u@example.com"}], journal="journal"):
            assert_type(row, ImportOutcome)
            assert_type(row.user, User | None)
        client.users.import_many([("u", "e")])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
        for member in client.users.list():
            assert_type(member, UserSummary)
        for exported in client.users.export(details=False):
            assert_type(exported.user, User)
        assert_type(client.users.export().report, ExportReport)
        client.users.export(detials=False)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        for page in client.users.list().pages():
            assert_type(page, Page[UserSummary])
        for done in client.many(client.phones.set_primary, [("u", "p")]):
            assert_type(done, Outcome[User])
        client.many(client.phones.set_primary, [("u",)])  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
        assert_type(client.request("GET", "/users"), APIResponse)
        assert_type(client.close(), None)
        assert_type(client.with_options(timeout=2.0), monocloud_sync.MonoCloudClient)
        client.phones.set_primary("user")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue, reportArgumentType]
        client.phones.set_primary("user", 7)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
        client.phones.add("user", "+44", is_verifed=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue, reportArgumentType]


def errors(error: Exception) -> None:
    match error:
        case NotFoundError() | RateLimitedError():
            assert_type(error.retry_after, float | None)
            assert_type(error.trace_id, str | None)
        case IdentityValidationError():
            assert_type([finding.code for finding in error.errors], list[str])
        case KeyValidationError():
            assert_type(error.errors, Mapping[str, Sequence[str]])
        case APIError():
            assert_type(error.status, int)
        case TransportError():
            assert_type(error.may_have_been_applied, bool)
        case ResponseDecodeError():
            assert_type(error.body, bytes)
        case _:
            pass
