"""The app against the emulator: no tenant, no mocks."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

import main
from monocloud_async import MonoCloudClient, RetryPolicy
from monocloud_async.emulator import PHONE_ID, USER_ID, Fault

URL = f"/users/{USER_ID}/primary-phone/{PHONE_ID}"


@pytest.fixture
def app(monocloud_emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The app as it is in production: its lifespan makes the client from the environment."""
    monkeypatch.setenv("MONOCLOUD_MANAGEMENT_DOMAIN", monocloud_emulator.url)
    monkeypatch.setenv("MONOCLOUD_MANAGEMENT_API_KEY", monocloud_emulator.api_key)
    with TestClient(main.app) as client:
        yield client


@pytest.fixture
def impatient(app: TestClient, monocloud_emulator) -> Iterator[TestClient]:
    """The app with a client of the test's own, which tries once."""
    once = MonoCloudClient(
        monocloud_emulator.url, monocloud_emulator.api_key, retry=RetryPolicy(max_attempts=1)
    )
    main.app.dependency_overrides[main.get_monocloud] = lambda: once
    yield app
    main.app.dependency_overrides.clear()


def test_the_phone_becomes_the_primary_one(app, monocloud_emulator) -> None:
    answer = app.post(URL)
    assert (answer.status_code, answer.json()) == (200, {"primary": "+441632960961"})
    assert monocloud_emulator.user(USER_ID).primary_phone.id == PHONE_ID
    assert monocloud_emulator.executions == 1


@pytest.mark.parametrize("phone_id", ["nope", "%20"])
def test_a_phone_that_the_user_does_not_have(phone_id: str, app, monocloud_emulator) -> None:
    assert app.post(f"/users/{USER_ID}/primary-phone/{phone_id}").status_code == 404
    assert monocloud_emulator.executions == 0


def test_the_rate_limit_is_passed_on_at_once(app, monocloud_emulator) -> None:
    monocloud_emulator.faults.add(Fault(status=429, headers={"Retry-After": "30"}))
    answer = app.post(URL)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert monocloud_emulator.counts.requests == 1


def test_a_lost_answer_is_repaired(app, monocloud_emulator) -> None:
    monocloud_emulator.faults.add(Fault(connection="reset", executed=True, times=1))
    assert app.post(URL).status_code == 200
    assert monocloud_emulator.counts.requests == 2


def test_a_lost_answer_that_cannot_be_repaired(impatient, monocloud_emulator) -> None:
    monocloud_emulator.faults.add(Fault(connection="reset", executed=True))
    answer = impatient.post(URL)
    assert (answer.status_code, answer.json()["may_have_been_applied"]) == (502, True)
    assert monocloud_emulator.executions == 1


def test_a_wrong_key_is_our_fault_and_not_the_visitor_s(impatient, monocloud_emulator) -> None:
    monocloud_emulator.faults.add(Fault(status=401))
    answer = impatient.post(URL)
    assert (answer.status_code, answer.json()["may_have_been_applied"]) == (502, False)
