"""Compare what an import says it did with what the tenant has: verify.py RESULTS CHECK."""

import csv
import sys
from pathlib import Path

Row = dict[str, str]


def rows(path: str) -> dict[str, Row]:
    """Return the rows of a file of results, by their line in the export."""
    with Path(path).open(newline="") as lines:
        return {row["line"]: row for row in csv.DictReader(lines)}


def is_left_out(done: Row) -> bool:
    """Return whether the import leaves a row out on purpose, not because it ended early."""
    return done["status"] == "skipped" and not done["error"]


def trouble(done: Row, found: Row | None) -> str | None:
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
    """Print a line for each row that is not as it should be; return the exit code."""
    found = rows(check)
    done = {line: row for line, row in rows(results).items() if not is_left_out(row)}
    wrong = {line: said for line, row in done.items() if (said := trouble(row, found.get(line)))}
    for line, said in wrong.items():
        print(f"{done[line]['source_id'] or f'line {line}'} {said}")
    right = len(done) - len(wrong)
    print(f"{right} of {len(done)} users are in the tenant as they were exported")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
