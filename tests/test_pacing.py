"""The pace of a run, against simulated rate limiters and one decision at a time."""

from __future__ import annotations

import time

import pytest

from monocloud_async.bulk.outage import Outage
from monocloud_async.bulk.pacing import Pacing
from monocloud_async.bulk.rate_headers import Hint, hint
from monocloud_async.response import Headers

from .limiter_simulation import Limiter, bucket, ran, window

SLOW, MIDDLE, QUICK = (0.1, 0.4), (0.02, 0.04), (0.001, 0.004)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("latency", [QUICK, (0.004, 0.012), MIDDLE])
def test_the_limit_is_found_and_used(latency: tuple[float, float], seed: int) -> None:
    run = ran(bucket(200, 20), 12_000, latency=latency, seed=seed)
    assert run.share_refused < 0.005
    assert run.rate > (0.91 if latency is MIDDLE else 0.93) * 200


@pytest.mark.parametrize("wait", [0, None, 1])
@pytest.mark.parametrize("limit", [(20, 5), (200, 20), (1_000, 50)])
def test_the_limit_is_found_within_seconds(limit: tuple[int, int], wait: float | None) -> None:
    rate, burst = limit
    run = ran(bucket(rate, burst, wait), 12 * rate, latency=QUICK)
    later = [at for at in run.times if 5 <= at < 10]
    assert 0.85 * rate < len(later) / 5 < 1.05 * rate


def test_a_constant_limit_is_probed_less_and_less_often() -> None:
    run = ran(bucket(200, 20), 60_000, latency=QUICK)
    assert run.rate > 0.965 * 200
    assert run.refused < 60


@pytest.mark.parametrize(
    ("limiter", "rows", "latency", "limit"),
    [
        (bucket(5, 20), 600, MIDDLE, 5),
        (bucket(5, 5), 600, MIDDLE, 5),
        (bucket(50, 20), 4_000, QUICK, 50),
        (bucket(50, 100), 4_000, SLOW, 50),
        (bucket(200, 200), 12_000, QUICK, 200),
        (bucket(2_000, 20), 60_000, QUICK, 2_000),
        (bucket(200, 20, wait=0), 12_000, QUICK, 200),
        (bucket(200, 20, wait=None), 12_000, QUICK, 200),
        (window(600, 60), 3_000, QUICK, 10),
        (window(200, 1), 12_000, QUICK, 200),
        (bucket(lambda now: 50 if now < 60 else 500, 20), 30_000, MIDDLE, 180),
        (bucket(lambda now: 500 if now < 30 else 50, 20), 18_000, QUICK, 130),
    ],
)
def test_limits_of_all_kinds_are_found(
    limiter: Limiter, rows: int, latency: tuple[float, float], limit: float
) -> None:
    run = ran(limiter, rows, latency=latency)
    assert run.refused < 100
    assert run.rate > 0.7 * limit


def test_without_refusals_nothing_waits() -> None:
    run = ran(bucket(1e9, 1e9), 20_000, latency=(0.01, 0.01))
    assert run.seconds < 1.01 * 20_000 / 32 * 0.01


@pytest.mark.parametrize("rate", [0.5, 10, 200, 1_500])
def test_a_given_rate_is_never_exceeded(rate: float) -> None:
    run = ran(bucket(1e9, 1e9), 2_000, rate=rate, latency=QUICK)
    most = max(1.0, rate * 0.02)
    for first in range(0, len(run.times), 7):
        for last in range(first, len(run.times), 97):
            assert last - first + 1 <= most + rate * (run.times[last] - run.times[first]) + 1e-6
    assert run.rate > 0.98 * rate


def pacing(workers: int = 32) -> Pacing:
    return Pacing(None, workers=workers, max_retry_after=60, now=0.0)


@pytest.mark.parametrize("seconds", [0.5, 3.0, 86_400.0])
def test_all_workers_wait_in_full_and_resume_one_by_one(seconds: float) -> None:
    pace = pacing()
    turns = [pace.go(0.0) for _ in range(32)]
    for turn in turns[:5]:
        pace.answered(turn, 0.1, Headers())
    for turn in turns[5:]:
        pace.refused(turn, 0.2, seconds, Headers())
    assert not pace.free
    assert pace.wait(0.2) >= seconds
    assert pace.wait(0.2 + seconds - 0.001) > 0
    end = 0.2 + seconds + min(0.1 * seconds, 1.0)
    assert pace.wait(end) <= 0
    pace.go(end)
    assert pace.wait(end) > 0


def test_refusals_of_calls_in_flight_count_as_one() -> None:
    run = ran(bucket(200, 20), 200, latency=MIDDLE)
    alone = pacing()
    turns = [alone.go(0.0) for _ in range(32)]
    for turn in turns[:20]:
        alone.answered(turn, 0.1, Headers())
    alone.refused(turns[20], 0.1, 1.0, Headers())
    for turn in turns[21:]:
        alone.refused(turn, 0.11, 1.0, Headers())
    # 32 calls within 0.1 s were too many. The new guess is a quarter of that rate, and no less.
    alone.wait(2.3)
    alone.go(2.3)
    assert alone.wait(2.3) < 1 / 40
    assert run.refused <= 32


def test_repeated_refusals_lengthen_the_wait() -> None:
    pace, now, waits = pacing(), 0.0, []
    for _ in range(10):
        pace.refused(pace.go(now), now, None, Headers())
        waits.append(pace.wait(now))
        now += waits[-1]
    assert waits[0] >= 0.5
    assert waits[5] > 10
    assert all(wait <= 33 for wait in waits)


NOW = "Tue, 24 Nov 2026 12:00:00 GMT"
EPOCH = 1795521600


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"RateLimit": '"default";r=50;t=30'}, Hint(50, 30)),
        ({"RateLimit": '"a";r=50;t=30, "b";r=0;t=7'}, Hint(0, 7)),
        ({"RateLimit": "limit=100, remaining=5, reset=30"}, Hint(5, 30)),
        ({"RateLimit-Remaining": "3", "RateLimit-Reset": "9"}, Hint(3, 9)),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9"}, Hint(0, 9)),
        (
            {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(EPOCH + 9), "Date": NOW},
            Hint(0, 9),
        ),
        ({}, None),
        ({"RateLimit": "nonsense"}, None),
        ({"RateLimit": '"default";r=50;t=0'}, None),
        ({"X-RateLimit-Remaining": "0"}, None),
        ({"X-RateLimit-Remaining": "-1", "X-RateLimit-Reset": "9"}, None),
        ({"X-RateLimit-Remaining": "nan", "X-RateLimit-Reset": "inf"}, None),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "86400"}, None),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(EPOCH - 9), "Date": NOW}, None),
    ],
)
def test_rate_limit_headers_are_read(headers: dict[str, str], expected: Hint | None) -> None:
    assert hint(Headers(headers.items())) == expected


def test_a_reset_without_a_date_counts_from_the_local_clock() -> None:
    reset = str(int(time.time()) + 60)
    found = hint(Headers({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}.items()))
    assert found
    assert 55 < found.reset <= 60


def test_an_exhausted_window_is_waited_out_before_a_call_is_refused() -> None:
    pace = pacing()
    for left in (2, 1, 0):
        pace.answered(pace.go(0.0), 0.1, Headers({"RateLimit": f'"d";r={left};t=30'}.items()))
    assert pace.wait(0.1) >= 30


def test_headers_that_always_report_an_exhausted_window_are_ignored() -> None:
    pace = pacing()
    for _ in range(100):
        pace.answered(pace.go(0.0), 0.1, Headers({"RateLimit": '"d";r=0;t=30'}.items()))
    assert pace.free


def test_a_refusal_without_retry_after_waits_for_the_reset() -> None:
    pace = pacing()
    pace.refused(pace.go(0.0), 0.1, None, Headers({"RateLimit": '"d";r=0;t=30'}.items()))
    assert pace.wait(0.1) >= 30


def test_single_attempts_probe_the_server_during_an_outage() -> None:
    pace, now, attempts = pacing(workers=8), 0.0, 0
    for turn in [pace.go(0.0) for _ in range(8)]:
        assert pace.free
        pace.failed(turn, 0.1, None)
    assert not pace.free
    while now < 600:
        now += max(pace.wait(now), 0.001)
        if pace.wait(now) <= 0:
            attempts += 1
            turn = pace.go(now)
            assert pace.wait(now) > 0
            pace.failed(turn, now + 0.01, None)
            now += 0.01
    assert 30 < attempts < 50
    now += 30
    pace.wait(now)
    pace.answered(pace.go(now), now, Headers())
    assert pace.wait(now) <= 0
    assert pace.free


def test_occasional_failures_are_not_an_outage() -> None:
    outage = Outage(8)
    for _ in range(100):
        for _ in range(7):
            outage.failed(0.0, 0.0, 0.0)
        outage.answered()
    assert not outage.lasts


def test_an_outage_lasts_as_long_as_the_server_says() -> None:
    pace = pacing(workers=8)
    pace.failed(pace.go(0.0), 0.1, 600.0)
    assert pace.wait(0.1) >= 600
