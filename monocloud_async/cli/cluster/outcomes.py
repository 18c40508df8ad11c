"""The outcomes of a run on a cluster, in the order of the input, as a results file."""

from __future__ import annotations

import csv
import heapq
import json
import tempfile
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import Any, TextIO

from ..batch.reports import harmless

# Outcomes sorted in memory at once.
_AT_ONCE = 100_000
_OUTCOME = ("status", "http_status", "error", "trace_id", "attempts")
_RESULT = "result"
# A piece's number, a line and the outcome as JSON.
_Keyed = tuple[int, int, bytes]


def write_outcomes(
    file: TextIO,
    lines: Iterable[bytes],
    pieces: Sequence[str],
    arguments: Sequence[str],
    *,
    as_json: bool,
) -> None:
    """Write outcomes in the order of the input, in bounded memory.

    Args:
        file: where to write them.
        lines: the outcomes in any order, each as JSON.
        pieces: the names of the input's pieces, in their order.
        arguments: the arguments to show, in their order; CSV has those that a row gives.
        as_json: whether to write JSON Lines, not CSV.
    """
    found: set[str] = set()
    with in_order(lines, pieces, found) as ordered:
        if as_json:
            _write_json(file, ordered, arguments)
        else:
            _write_csv(file, ordered, [name for name in arguments if name in found])


def _write_json(file: TextIO, ordered: Iterable[bytes], arguments: Sequence[str]) -> None:
    shown = ("input", "line", *arguments, *_OUTCOME, _RESULT)
    for line in ordered:
        outcome = json.loads(line)
        kept = {name: outcome[name] for name in shown if name in outcome}
        file.write(f"{json.dumps(kept)}\n")


def _write_csv(file: TextIO, ordered: Iterable[bytes], arguments: Sequence[str]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("input", "line", *arguments, *_OUTCOME))
    for line in ordered:
        outcome: Mapping[str, Any] = json.loads(line)
        cells = (outcome.get(name, "") for name in ("input", "line", *arguments, *_OUTCOME))
        writer.writerow(map(_cell, cells))


def _cell(value: object) -> object:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    return harmless(value if isinstance(value, str) else json.dumps(value))


@contextmanager
def in_order(
    lines: Iterable[bytes], pieces: Sequence[str], found: set[str]
) -> Generator[Iterator[bytes], None, None]:
    """Provide the lines in order: sorted runs in temporary files, merged.

    Args:
        lines: the lines.
        pieces: the names of the pieces.
        found: the names of all members, which this adds.
    """
    numbers = {name: number for number, name in enumerate(pieces)}

    def keyed(line: bytes) -> _Keyed:
        outcome: Mapping[str, Any] = json.loads(line)
        found.update(outcome)
        return numbers[outcome["input"]], outcome["line"], line

    with ExitStack() as stack:
        rest = map(keyed, lines)
        runs: list[Iterable[_Keyed]] = []
        while run := sorted(islice(rest, _AT_ONCE)):
            is_only = not runs and len(run) < _AT_ONCE
            runs.append(run if is_only else _on_disk(run, stack))
        yield (line for _, _, line in heapq.merge(*runs))


def _on_disk(run: Iterable[_Keyed], stack: ExitStack) -> Iterator[_Keyed]:
    """Return what was written to a temporary file."""
    file = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  (that is one)
    for piece, line, outcome in run:
        file.write(b"%d %d %s\n" % (piece, line, outcome))
    file.seek(0)

    def read() -> Iterator[_Keyed]:
        for each in file:
            piece, line, outcome = each.rstrip(b"\n").split(b" ", 2)
            yield int(piece), int(line), outcome

    return read()
