"""Test the tasks against the emulator. `apply` runs them here, without a broker."""

from collections.abc import Iterator

import pytest
from celery.signals import task_retry

import tasks
from monocloud_sync import MonoCloudClient, NotFoundError, RetryPolicy
from monocloud_sync.emulator import PHONE_ID, USER_ID, Fault


@pytest.fixture(autouse=True)
def _tenant(monocloud_emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Point the tasks' client at the emulator, without retries: here, only Celery retries."""
    once = MonoCloudClient(
        monocloud_emulator.url, monocloud_emulator.api_key, retry=RetryPolicy(max_attempts=1)
    )
    monkeypatch.setattr(tasks, "monocloud", lambda: once)
    with once:
        yield


@pytest.fixture
def waits() -> Iterator[list[float]]:
    """The countdowns, in seconds, with which the tasks were retried."""
    asked: list[float] = []

    def note(reason, **_) -> None:
        asked.append(reason.when)

    task_retry.connect(note)
    yield asked
    task_retry.disconnect(note)


def test_the_phone_becomes_primary(monocloud_emulator) -> None:
    assert tasks.set_primary_phone.apply((USER_ID, PHONE_ID)).get() == "+441632960961"
    assert monocloud_emulator.user(USER_ID).primary_phone.id == PHONE_ID


@pytest.mark.parametrize("status", [429, 503])
def test_a_task_waits_as_long_as_a_busy_tenant_asks(status: int, monocloud_emulator, waits) -> None:
    monocloud_emulator.faults.add(Fault(status=status, headers={"Retry-After": "40"}, times=2))
    assert tasks.set_primary_phone.apply((USER_ID, PHONE_ID)).successful()
    assert waits == [40, 40]
    assert (monocloud_emulator.counts.requests, monocloud_emulator.executions) == (3, 1)


def test_a_task_backs_off_during_an_outage(monocloud_emulator, waits) -> None:
    monocloud_emulator.faults.add(Fault(status=503, times=3))
    assert tasks.set_primary_phone.apply((USER_ID, PHONE_ID)).successful()
    assert len(waits) == 3
    assert all(0 <= asked <= 2 * 2**n for n, asked in enumerate(waits))


def test_a_mistake_is_not_retried(monocloud_emulator, waits) -> None:
    done = tasks.set_primary_phone.apply((USER_ID, "nope"))
    assert isinstance(done.result, NotFoundError)
    assert (waits, monocloud_emulator.counts.requests) == ([], 1)


def test_a_phone_is_added_once_if_the_response_is_lost(monocloud_emulator, waits) -> None:
    monocloud_emulator.faults.add(
        Fault(operation="phones.add", connection="reset", executed=True, times=1)
    )
    added = tasks.add_phone.apply((USER_ID, "+447700900456")).get()
    assert len(waits) == 1
    assert monocloud_emulator.executions_of("phones.add") == 1
    assert monocloud_emulator.counts.requests_by_operation["phones.add"] == 1
    phones = monocloud_emulator.user(USER_ID).phone_numbers
    assert [phone.id for phone in phones if phone.phone == "+447700900456"] == [added]


def test_a_task_delivered_twice_adds_one_phone(monocloud_emulator) -> None:
    first = tasks.add_phone.apply((USER_ID, "+447700900456")).get()
    assert tasks.add_phone.apply((USER_ID, "+447700900456")).get() == first
    assert monocloud_emulator.executions == 1
