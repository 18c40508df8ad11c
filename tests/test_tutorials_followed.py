"""Newcomers follow the tutorials: every program and command of a page, in its order."""

from __future__ import annotations

import csv
import signal
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from monocloud_async.emulator import PHONE_ID, USER_ID

from .documents import PAGES, RUN_IN_A_TUTORIAL, all_blocks
from .programs import SECONDS, posix, until
from .reader import Reader
from .test_tutorials import BATCH_JOB, WEB_APP

pytestmark = [posix, pytest.mark.timeout(180)]
# For a test, the tenant and the program are faster than for a reader, and nobody waits for long.
FASTER = {
    "50/s burst 20": "50/s burst 9999",
    "rate=40": "rate=500",
    "sleep 5": "until_asked 100",
    "sleep 6": "until_asked 100",
    # So slow that it cannot end before it is killed.
    "2> progress.log &": "2> progress.log --rate 200 &",
}
# How far the run had come when it was killed.
VARIES = (r"\b[\d,]+ (?=rows to send)", r"[\d,]+ (?=of them in earlier)")
PAGES_EMULATOR = "http://127.0.0.1:8080/_emulator"
# What the page says of 429s, with as few rows as meet them: 32 calls at once, and room for 20.
RATE_LIMITED = f"""
curl -s -o reset.json -X POST {PAGES_EMULATOR}/reset
curl -s -o limit.json -X PUT {PAGES_EMULATOR}/rate-limit -d '"99/s burst 20"'
sed -n '1p;300,359p' rows.csv > few.csv
monocloud run phones.set_primary few.csv --journal few.journal
"""


def counts(reader: Reader) -> tuple[int, Counter[str]]:
    """Return how many changes the emulator has made, and how many phones of each kind are primary.

    Each phone of the tutorial has the kind and the user's number in its id: new-0001.
    """
    users = reader.ask(f"{PAGES_EMULATOR}/users")
    phones = [
        (user["user_id"], p) for user in users for p in user["phone_numbers"] if p.get("primary")
    ]
    assert all(user_id[4:] == phone["id"][3:] for user_id, phone in phones)
    kinds = Counter(phone["id"][:3] for _, phone in phones)
    return reader.ask(PAGES_EMULATOR)["counts"]["executions"], kinds


@pytest.mark.slow
def test_a_newcomer_follows_the_batch_job(tmp_path: Path) -> None:
    with Reader(tmp_path, FASTER, VARIES) as reader:
        reader.follow(BATCH_JOB, until="Run it again:")
        # It was killed: something is done, and not all.
        executions, kinds = counts(reader)
        assert 80 < kinds["new"] <= executions < 490
        reader.follow(BATCH_JOB, after="Run it again:", until="## From a shell")
        executions, kinds = counts(reader)
        # All but user-0007, and no more repeats than the page says.
        assert kinds == {"new": 499, "old": 1}
        assert 499 <= executions <= 499 + 64
        reader.follow(BATCH_JOB, after="## From a shell", until="### Start it again")
        executions, kinds = counts(reader)
        assert 80 < kinds["new"] <= executions < 490
        assert not (reader.home / "results.csv").exists()
        reader.follow(
            BATCH_JOB,
            after="### Start it again",
            until="### Read the results, and retry what failed",
        )
        executions, kinds = counts(reader)
        assert kinds == {"new": 499, "old": 1}
        assert 499 <= executions <= 499 + 132
        with (reader.home / "results.csv").open() as file:
            assert [int(row["line"]) for row in csv.DictReader(file)] == [*range(2, 503)]
        reader.follow(
            BATCH_JOB, after="### Read the results, and retry what failed", until="## What you have"
        )
        assert counts(reader)[1] == {"new": 500}
        phones = [user["phone_numbers"][2:] for user in reader.ask(f"{PAGES_EMULATOR}/users")[:2]]
        assert [[phone["phone"] for phone in added] for added in phones] == [
            ["+441632970001"],
            ["+441632970002"],
        ]
        assert "60 rows: 60 ok, 0 failed" in reader.type(RATE_LIMITED)
        statuses = reader.ask(PAGES_EMULATOR)["counts"]["requests_by_status"]
        assert (statuses["200"], statuses["429"] > 0) == (60, True)


TIMES_AND_NUMBERS = (
    r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d,\d\d\d",
    r"\b[\d.]+(?= ms\b| s:|s$)",
    r"(?<=127\.0\.0\.1:)50416",
    r"(?<=trace )00-\w+…",
    r"(?<=process \[)\d+",
    r"(?<=passed)(?= in)",
)
# A visitor who is a test is in more of a hurry.
HURRIED = {
    "timeout=3.0": "timeout=0.6",
    "deadline=8.0": "deadline=0.8",
    "--max-time 1": "--max-time 0.1",
}


@pytest.mark.slow
def test_a_newcomer_follows_the_web_app(tmp_path: Path) -> None:
    with Reader(tmp_path, HURRIED, TIMES_AND_NUMBERS) as reader:
        reader.follow(WEB_APP, until="## Test it")
        # A change goes on after its visitor has left.
        reader.ask(f"{PAGES_EMULATOR}/faults", b'{"delay": 0.2, "times": 1}')
        with pytest.raises(TimeoutError):
            visit(reader, seconds=0.1)
        reader.look_for("uvicorn app:app", "… phones.set_primary attempt 1: 200 in …")
        reader.follow(WEB_APP, after="## Test it")
        # Both workers serve, and a request under way when the app is stopped is answered.
        app = reader.running["uvicorn app:app"]
        for _ in range(2):
            app.line("INFO:     Application startup complete.")
        with ThreadPoolExecutor(8) as threads:
            assert set(threads.map(visit, [reader] * 16)) == {200}
            before = asked(reader)
            reader.ask(f"{PAGES_EMULATOR}/faults", b'{"delay": 0.3, "times": 1}')
            late = threads.submit(visit, reader)
            until(lambda: asked(reader) > before)
            app.signal(signal.SIGTERM)
            assert late.result(SECONDS) == 200
            assert app.end() == 0
        printed = app.rest()
        assert printed.count("Application shutdown complete.") == 2
        assert "Traceback" not in printed, printed


def asked(reader: Reader) -> int:
    """Return how many requests the emulator has had."""
    return reader.ask(PAGES_EMULATOR)["counts"]["requests"]


def visit(reader: Reader, seconds: float = SECONDS) -> int:
    site = reader.servers["127.0.0.1:8000"]
    url = f"http://{site}/users/{USER_ID}/primary-phone/{PHONE_ID}"
    request = urllib.request.Request(url, method="POST")
    with urllib.request.urlopen(request, timeout=seconds) as response:
        return response.status


def test_only_pages_that_are_followed_have_programs_for_that() -> None:
    marked = [page for page in PAGES if RUN_IN_A_TUTORIAL in page.read_text(encoding="utf-8")]
    assert marked == [BATCH_JOB, WEB_APP]
    for page in marked:
        blocks = all_blocks(page)
        skipped = [block for block in blocks if not block.is_run and not block.file]
        # An installation, and a line that a run has written only after five seconds.
        assert [block.code.split()[0] for block in skipped] in (["252"], ["pip"])
