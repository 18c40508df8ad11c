"""Errors, logs and reprs show neither passwords in requests nor links in answers."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable

import pytest

import monocloud_sync
from monocloud_async import InvalidArgumentError, MonoCloudClient, MonoCloudError, RetryPolicy
from monocloud_async.models import ResetPasswordResponse

from . import showings
from .wire import Step, Wire, answer, close, problem, served

CANARY = "canary-5b7e-password"
FAST = RetryPolicy(base_delay=0.0, max_attempts=2)
CALLS: dict[str, Callable[[MonoCloudClient], Awaitable[object]]] = {
    "create": lambda c: c.users.create(email="a@example.com", password=CANARY),
    "create, hash": lambda c: c.users.create(
        email="a@example.com", password_hash=CANARY, password_hash_algorithm="bcrypt"
    ),
    "set": lambda c: c.passwords.set("u", CANARY),
    "change": lambda c: c.passwords.change("u", CANARY, CANARY),
    "set, both": lambda c: c.passwords.set(
        "u", CANARY, password_hash=CANARY, password_hash_algorithm="bcrypt"
    ),
    "change, neither": lambda c: c.passwords.change("u", CANARY),
    "wrong id": lambda c: c.passwords.set("..", CANARY),
}
STEPS: dict[str, Step] = {"closed": close, "refused": problem(422), "not JSON": answer(200, b"<")}


def shows(text: object) -> bool:
    return CANARY in f"{text}"


def check_frames(error: BaseException) -> None:
    """Check that no frame of the SDK or of aiohttp has a password in its local variables."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    others = [frame for frame in frames if frame.f_code.co_filename != __file__]
    assert others
    for frame in others:
        assert not shows(showings.reported(frame.f_locals)), frame


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("call", CALLS)
async def test_an_error_shows_no_password(
    call: str, step: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with Wire(STEPS[step]) as wire:
        async with MonoCloudClient(wire.url, "key", retry=FAST) as client:
            with pytest.raises(MonoCloudError) as caught:
                await CALLS[call](client)
    if isinstance(caught.value, InvalidArgumentError):
        assert wire.requests == []
    else:
        assert CANARY.encode() in wire.requests[0].body
    # The test's own frames contain it, as a caller's would; those of the SDK and aiohttp do not.
    check_frames(caught.value)
    assert not shows(vars(caught.value))
    assert not shows(caught.value)
    assert not shows(caplog.text)


def test_the_error_of_a_blocking_call_shows_no_password() -> None:
    with served(problem(422)) as wire, monocloud_sync.MonoCloudClient(wire.url, "key") as client:
        with pytest.raises(MonoCloudError) as caught:
            client.passwords.set("u", CANARY)
        check_frames(caught.value)
        with pytest.raises(MonoCloudError) as caught:
            client.users.create(email="a@example.com", password=CANARY)
    check_frames(caught.value)
    assert not shows(caught.value)


async def test_outcomes_and_errors_of_rows_show_no_password() -> None:
    rows = [{"email": "a@example.com", "password": CANARY}]
    async with Wire(problem(422), problem(401)) as wire:
        async with MonoCloudClient(wire.url, "key") as client:
            [outcome] = [one async for one in client.many(client.users.create, rows)]
            assert outcome.row == rows[0]
            assert not shows(repr(outcome))
            with pytest.raises(MonoCloudError) as caught:
                _ = [one async for one in client.many(client.users.create, rows)]
    check_frames(caught.value)


async def test_a_reset_link_is_returned_but_not_shown() -> None:
    link = f"https://acme.us.monocloud.com/reset?token={CANARY}"
    body = {"link": link, "expires_at": 1640975400, "email_sent": False}
    async with Wire(answer(200, body)) as wire, MonoCloudClient(wire.url, "key") as client:
        response = await client.passwords.reset("u")
    assert isinstance(response, ResetPasswordResponse)
    assert response.link == link
    assert response.to_dict() == body
    assert not shows(repr(response))
    assert not shows(response._repr_html_())
