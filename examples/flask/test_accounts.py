"""Test the app against the emulator."""

import pytest
from flask.testing import FlaskClient

from accounts import create_app
from monocloud_sync import ConfigurationError
from monocloud_sync.emulator import PHONE_ID, USER_ID, Fault

URL = f"/users/{USER_ID}/primary-phone/{PHONE_ID}"


@pytest.fixture
def visitor(monocloud_emulator) -> FlaskClient:
    """A visitor of an app whose tenant is the emulator."""
    config = {
        "MONOCLOUD_DOMAIN": monocloud_emulator.url,
        "MONOCLOUD_API_KEY": monocloud_emulator.api_key,
    }
    return create_app(config).test_client()


def test_the_phone_becomes_primary(visitor, monocloud_emulator) -> None:
    response = visitor.post(URL)
    assert (response.status_code, response.json) == (200, {"primary": "+441632960961"})
    assert monocloud_emulator.user(USER_ID).primary_phone.id == PHONE_ID


def test_errors_become_responses(visitor, monocloud_emulator) -> None:
    assert visitor.post(f"/users/{USER_ID}/primary-phone/nope").status_code == 404
    monocloud_emulator.faults.add(Fault(status=429, headers={"Retry-After": "30"}, times=1))
    busy = visitor.post(URL)
    assert (busy.status_code, busy.headers["Retry-After"]) == (503, "30")
    monocloud_emulator.faults.add(Fault(connection="closed", executed=True, times=3))
    lost = visitor.post(URL)
    assert (lost.status_code, lost.json["may_have_been_applied"]) == (502, True)
    assert monocloud_emulator.counts.requests == 5


def test_two_apps_do_not_share_a_client(visitor, monocloud_emulator) -> None:
    other = create_app({"MONOCLOUD_DOMAIN": monocloud_emulator.url, "MONOCLOUD_API_KEY": "wrong"})
    assert other.test_client().post(URL).status_code == 502
    assert visitor.post(URL).status_code == 200


def test_creating_an_app_needs_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MONOCLOUD_MANAGEMENT_DOMAIN", raising=False)
    app = create_app({"TESTING": True, "PROPAGATE_EXCEPTIONS": False})
    with app.app_context(), pytest.raises(ConfigurationError, match="MONOCLOUD_MANAGEMENT_DOMAIN"):
        app.extensions["monocloud"]()
