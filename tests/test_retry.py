from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import Any

import pytest

from monocloud_async import (
    APIError,
    ConfigurationError,
    Headers,
    RequestTimeoutError,
    ResponseDecodeError,
    RetryPolicy,
    TransportError,
)
from monocloud_async._api_error import api_error
from monocloud_async.retry import RetryQuota, may_repeat, outcome_is_unknown, retry_after

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=timezone.utc)


def refusal(status: int, retry_after: float | None = None) -> APIError:
    return api_error(status, Headers(), b"", operation="o", retry_after=retry_after)


BROKEN = TransportError("broken", operation="o")
LATE = RequestTimeoutError("late", operation="o")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("1", 1.0),
        ("1.5", 1.5),
        ("120", 120.0),
        (" 3 ", 3.0),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        ("1e1", None),
        ("9999999999", None),
        ("9" * 5000, None),
        ("", None),
        ("1_0", None),
        ("٣", None),
        ("soon", None),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30.0),
        ("Thursday, 01-Jan-26 12:00:30 GMT", 30.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("Thu, 01 Jan 2026 12:00:30 -0000", 30.0),
        ("Thu, 01 Jan 99999 12:00:30 GMT", None),
        ("Thu, 99 Jan 2026 12:00:30 GMT", None),
        ("Thu Jan  1 12:00:30 2026", 30.0),
        ("2, 7", 7.0),
        ("7,2", 7.0),
        ("7, -1", 7.0),
        ("7, soon", 7.0),
        ("soon, 7", None),
        ("7, 9999999999", 7.0),
        ("Thu, 01 Jan 2026 12:00:30 GMT, 7", 30.0),
        ("7, Thu, 01 Jan 2026 12:00:30 GMT", 30.0),
        ("Thu, 01 Jan 2026 12:00:30 GMT, Thursday, 01-Jan-26 12:00:45 GMT", 45.0),
    ],
)
def test_retry_after_is_read(value: str, seconds: float | None) -> None:
    assert retry_after(Headers([("retry-after", value)]), NOW) == seconds


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Thu, 01 Jan 2026 12:00:00 GMT", 30.0),
        ("Thu, 01 Jan 2026 12:00:40 GMT", 0.0),
        ("junk", 0.0),
        ("", 0.0),
    ],
)
def test_a_retry_date_counts_from_the_server_s_clock(date: str, seconds: float) -> None:
    headers = [("Retry-After", "Thu, 01 Jan 2026 12:00:30 GMT"), ("Date", date)]
    assert retry_after(Headers(headers)) == seconds


def test_retry_after_is_optional() -> None:
    assert retry_after(Headers()) is None


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_repeatable_operation_is_retried_after_a_transient_failure(status: int) -> None:
    assert may_repeat(refusal(status), repeatable=True, reached_server=True)
    assert may_repeat(BROKEN, repeatable=True, reached_server=True)
    assert may_repeat(LATE, repeatable=True, reached_server=True)


@pytest.mark.parametrize("status", [302, 400, 401, 402, 403, 404, 409, 410, 422, 501, 505, 599])
def test_other_statuses_are_never_retried(status: int) -> None:
    assert not may_repeat(refusal(status), repeatable=True, reached_server=True)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_adding_is_not_retried_when_it_may_have_been_applied(status: int) -> None:
    assert not may_repeat(refusal(status), repeatable=False, reached_server=True)
    assert not may_repeat(BROKEN, repeatable=False, reached_server=True)


def test_adding_is_retried_when_nothing_was_applied() -> None:
    assert may_repeat(refusal(429), repeatable=False, reached_server=True)
    assert may_repeat(BROKEN, repeatable=False, reached_server=False)


@pytest.mark.parametrize(
    "error",
    [
        KeyboardInterrupt(),
        SystemExit(),
        ValueError(),
        OSError(),
        ResponseDecodeError("x", operation="o", status=200, headers=Headers(), body=b""),
    ],
)
def test_other_errors_are_never_retried(error: BaseException) -> None:
    assert not may_repeat(error, repeatable=True, reached_server=False)


@pytest.mark.parametrize(
    ("error", "reached", "unknown"),
    [
        (BROKEN, True, True),
        (BROKEN, False, False),
        (LATE, True, True),
        (refusal(500), True, True),
        (refusal(503), True, True),
        (refusal(408), True, True),
        (refusal(429), True, False),
        (refusal(404), True, False),
        (refusal(302), True, False),
        (refusal(200), True, False),
        (refusal(101), True, True),
        (refusal(0), True, True),
    ],
)
def test_only_some_failures_leave_the_outcome_unknown(
    error: Any, reached: bool, unknown: bool
) -> None:
    assert outcome_is_unknown(error, reached_server=reached) is unknown


def test_waits_are_random_below_a_bound_that_doubles() -> None:
    policy = RetryPolicy(base_delay=1.0, max_delay=3.0)
    for attempt, bound in [(1, 1.0), (2, 2.0), (3, 3.0), (10, 3.0), (5000, 3.0)]:
        waits = [policy.delay(attempt, BROKEN) for _ in range(300)]
        assert all(0 <= wait <= bound for wait in waits)
        assert max(waits) > bound * 0.8
        assert min(waits) < bound * 0.2


def test_a_wait_is_never_shorter_than_the_server_asks() -> None:
    policy = RetryPolicy(base_delay=0.5)
    waits = [policy.delay(1, refusal(429, 7.0)) for _ in range(100)]
    assert all(7.0 <= wait <= 7.5 for wait in waits)


def test_a_wait_longer_than_max_retry_after_is_not_allowed() -> None:
    policy = RetryPolicy(max_retry_after=60)
    assert policy.allows_wait(refusal(429, 60))
    assert not policy.allows_wait(refusal(429, 60.1))
    assert policy.allows_wait(refusal(429))
    assert policy.allows_wait(BROKEN)


@pytest.mark.parametrize("name", ["base_delay", "max_delay", "deadline", "max_retry_after"])
@pytest.mark.parametrize(
    "value", [-1, math.nan, math.inf, "1", None, True, pytest.param(10**400, id="huge")]
)
def test_invalid_seconds_are_refused(name: str, value: object) -> None:
    settings: dict[str, Any] = {name: value}
    with pytest.raises(ConfigurationError, match=f"RetryPolicy {name} must be a finite number"):
        RetryPolicy(**settings)


@pytest.mark.parametrize("value", [0, -1, 1.5, "3", None, True])
def test_an_invalid_number_of_attempts_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_attempts must be a whole"):
        RetryPolicy(max_attempts=value)


def test_a_deadline_of_zero_is_refused_but_a_delay_of_zero_is_allowed() -> None:
    with pytest.raises(ConfigurationError, match=r"deadline must be .* more than 0"):
        RetryPolicy(deadline=0)
    assert RetryPolicy(base_delay=0, max_delay=0, max_retry_after=0).delay(1, BROKEN) == 0


def test_a_policy_is_a_value() -> None:
    assert RetryPolicy() == RetryPolicy(3, 0.5, 20.0, 60.0, 60.0)
    assert hash(RetryPolicy()) == hash(RetryPolicy())
    with pytest.raises(AttributeError):
        RetryPolicy().deadline = 1.0  # type: ignore[misc]


def test_the_quota_runs_out_and_refills() -> None:
    quota = RetryQuota()
    taken = 0
    while quota.allows(BROKEN):
        quota.take(BROKEN)
        taken += 1
    assert taken == 500 // 14
    assert quota.tokens == 500 % 14 == 10
    for _ in range(2):
        assert quota.allows(refusal(429))
        quota.take(refusal(429))
    assert not quota.allows(refusal(429))
    for _ in range(10_000):
        quota.give_back()
    assert quota.tokens == 500
