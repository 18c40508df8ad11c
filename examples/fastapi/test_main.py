"""Test the app against the emulator, without a tenant and without mocks."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

import main
from monocloud_async import MonoCloudClient, RetryPolicy
from monocloud_async.emulator import PHONE_ID, USER_ID, Fault

URL = f"/users/{USER_ID}/primary-phone/{PHONE_ID}"


@pytest.fixture
def app(monocloud_emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The app as in production, whose lifespan creates the client from the environment."""
    monkeypatch.setenv("MONOCLOUD_MANAGEMENT_DOMAIN", monocloud_emulator.url)
    monkeypatch.setenv("MONOCLOUD_MANAGEMENT_API_KEY", monocloud_emulator.api_key)
    with TestClient(main.app) as client:
        yield client


@pytest.fixture
def without_retries(app: TestClient, monocloud_emulator) -> Iterator[TestClient]:
    """The app with the test's own client, which never retries."""
    once = MonoCloudClient(
        monocloud_emulator.url, monocloud_emulator.api_key, retry=RetryPolicy(max_attempts=1)
    )
    main.app.dependency_overrides[main.get_monocloud] = lambda: once
    yield app
    main.app.dependency_overrides.clear()


def test_the_phone_becomes_primary(app, monocloud_emulator) -> None:
    response = app.post(URL)
    assert (response.status_code, response.json()) == (200, {"primary": "+441632960961"})
    assert monocloud_emulator.user(USER_ID).primary_phone.id == PHONE_ID
    assert monocloud_emulator.executions == 1


@pytest.mark.parametrize("phone_id", ["nope", "%20"])
def test_an_unknown_phone_is_a_404(phone_id: str, app, monocloud_emulator) -> None:
    assert app.post(f"/users/{USER_ID}/primary-phone/{phone_id}").status_code == 404
    assert monocloud_emulator.executions == 0


def test_the_rate_limit_is_passed_on_at_once(app, monocloud_emulator) -> None:
    monocloud_emulator.faults.add(Fault(status=429, headers={"Retry-After": "30"}))
    response = app.post(URL)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "30")
    assert monocloud_emulator.counts.requests == 1


def test_a_lost_response_is_retried(app, monocloud_emulator) -> None:
    monocloud_emulator.faults.add(Fault(connection="reset", executed=True, times=1))
    assert app.post(URL).status_code == 200
    assert monocloud_emulator.counts.requests == 2


def test_a_lost_response_without_a_retry_says_so(without_retries, monocloud_emulator) -> None:
    monocloud_emulator.faults.add(Fault(connection="reset", executed=True))
    response = without_retries.post(URL)
    assert (response.status_code, response.json()["may_have_been_applied"]) == (502, True)
    assert monocloud_emulator.executions == 1


def test_a_wrong_key_is_not_the_visitor_s_mistake(without_retries, monocloud_emulator) -> None:
    monocloud_emulator.faults.add(Fault(status=401))
    response = without_retries.post(URL)
    assert (response.status_code, response.json()["may_have_been_applied"]) == (502, False)
