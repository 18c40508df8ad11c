"""Test the handler against the emulator, with a context that counts down as Lambda's does."""

import importlib
import json
import time
from types import ModuleType, SimpleNamespace

import pytest

from monocloud_sync.emulator import PHONE_ID, USER_ID, Fault


@pytest.fixture
def function(monocloud_emulator, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module as a cold start imports it, with a client created from the environment."""
    monkeypatch.setenv("MONOCLOUD_MANAGEMENT_DOMAIN", monocloud_emulator.url)
    monkeypatch.setenv("MONOCLOUD_MANAGEMENT_API_KEY", monocloud_emulator.api_key)
    return importlib.reload(importlib.import_module("handler"))


def context(seconds: float = 10.0) -> SimpleNamespace:
    end = time.monotonic() + seconds
    return SimpleNamespace(
        get_remaining_time_in_millis=lambda: int((end - time.monotonic()) * 1000)
    )


def event(phone_id: str = PHONE_ID) -> dict[str, object]:
    return {"version": "2.0", "pathParameters": {"user_id": USER_ID, "phone_id": phone_id}}


def test_the_phone_becomes_primary(function, monocloud_emulator) -> None:
    done = function.handler(event(), context())
    assert (done["statusCode"], json.loads(done["body"])) == (200, {"primary": "+441632960961"})
    assert monocloud_emulator.user(USER_ID).primary_phone.id == PHONE_ID


def test_errors_become_responses(function, monocloud_emulator) -> None:
    assert function.handler(event("nope"), context())["statusCode"] == 404
    monocloud_emulator.faults.add(Fault(status=429, headers={"Retry-After": "30"}, times=1))
    busy = function.handler(event(), context())
    assert (busy["statusCode"], busy["headers"]["retry-after"]) == (503, "30")
    assert (monocloud_emulator.counts.requests, monocloud_emulator.executions) == (2, 0)


def test_a_slow_tenant_does_not_outlast_the_invocation(function, monocloud_emulator) -> None:
    monocloud_emulator.faults.add(Fault(delay=30))
    invocation = context(seconds=0.7)
    done = function.handler(event(), invocation)
    assert invocation.get_remaining_time_in_millis() > 0
    # The emulator made the change, but its response is late: the change may have been made.
    assert (done["statusCode"], json.loads(done["body"])["may_have_been_applied"]) == (502, True)
    assert monocloud_emulator.counts.requests == 1


def test_warm_invocations_share_the_client(function, monocloud_emulator) -> None:
    before = function.client
    for _ in range(3):
        assert function.handler(event(), context())["statusCode"] == 200
    assert function.client is before
    assert monocloud_emulator.counts.requests == 3
