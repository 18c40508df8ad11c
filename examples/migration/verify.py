"""Compare the results of an import with what the tenant has: verify.py RESULTS CHECK."""

import csv
import sys
from pathlib import Path

Row = dict[str, str]


def rows(path: str) -> dict[str, Row]:
    """Return the rows of a results file, by their line in the export."""
    with Path(path).open(newline="") as lines:
        return {row["line"]: row for row in csv.DictReader(lines)}


def is_left_out(done: Row) -> bool:
    """Return whether the import left out a row on purpose, and not because it ended early."""
    return done["status"] == "skipped" and not done["error"]


def problem(done: Row, found: Row | None) -> str | None:
    """Return what is wrong with a row, if anything."""
    if done["status"] in ("failed", "skipped"):
        return f"was not imported: {done['error']}"
    if found is None or found["status"] != "already exists":
        return "is not in the tenant"
    if found["user_id"] != done["user_id"]:
        return f"is another user now: {found['user_id']}"
    if found["differences"]:
        return f"differs in {found['differences']}"
    return None


def main(results: str, check: str) -> int:
    """Print a line for each row that differs from the tenant, and return the exit code."""
    found = rows(check)
    done = {line: row for line, row in rows(results).items() if not is_left_out(row)}
    wrong = {line: text for line, row in done.items() if (text := problem(row, found.get(line)))}
    for line, text in wrong.items():
        print(f"{done[line]['source_id'] or f'line {line}'} {text}")
    right = len(done) - len(wrong)
    print(f"{right} of {len(done)} users are in the tenant as they were exported")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
