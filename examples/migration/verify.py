"""Compare what an import says it did with what the tenant has: verify.py RESULTS CHECK."""

import csv
import sys
from pathlib import Path

Row = dict[str, str]


def rows(path: str) -> dict[str, Row]:
    """Return the rows of a file of results, by their line in the export."""
    with Path(path).open(newline="") as lines:
        return {row["line"]: row for row in csv.DictReader(lines)}


def trouble(done: Row, found: Row | None) -> str | None:
    """Return what is wrong with a row, if anything."""
    if done["status"] == "skipped":
        return None
    if done["status"] == "failed":
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
    done, found = rows(results), rows(check)
    wrong = {row["source_id"]: trouble(row, found.get(line)) for line, row in done.items()}
    wrong = {source_id: said for source_id, said in wrong.items() if said}
    for source_id, said in wrong.items():
        print(f"{source_id} {said}")
    imported = sum(row["status"] != "skipped" for row in done.values())
    print(f"{imported - len(wrong)} of {imported} users are in the tenant as they were exported")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
