"""The end of a run on a cluster: results, totals and the exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NoReturn, TextIO

import attrs
import typer

from ...dask.job import Job
from ...dask.lookups import can_look_up
from ...dask.operation import JobOperation
from ...dask.results import ClusterResult
from ...errors import MonoCloudError
from ..batch.command import UNKNOWN_ADVICE, UNKNOWN_GONE
from ..batch.endings import print_totals, written
from ..batch.fixed import fixed_arguments
from ..batch.journal import FAILED, OK, SKIPPED, UNKNOWN
from ..batch.results import Results
from ..batch.stop import Stop
from ..batch.tally import Tally
from ..output import REFUSED, fail, visible
from .outcomes import write_outcomes
from .watching import Watching

_NO_RESULTS = "no results were written: the run ended without them"


@attrs.frozen(eq=False)
class Ending:
    """How a run on a cluster ended.

    Attributes:
        result: what was done; None if the cluster could not tell.
        error: why the run ended early, if it did.
    """

    result: ClusterResult | None
    error: MonoCloudError | None


def end(ending: Ending, job: Job, watching: Watching, results: Results | None) -> NoReturn:
    """Write the results, print the totals, and exit.

    Args:
        ending: how the run ended.
        job: what it did.
        watching: what was seen of it.
        results: the results file, if any.
    """
    tally = tally_of(watching)
    operation = JobOperation(job)
    problem = _write(ending, job, operation, watching, results)
    statuses = (OK, FAILED, UNKNOWN, SKIPPED) if operation.rules.once else (OK, FAILED, SKIPPED)
    problem = print_totals(totals(tally, statuses)) or problem
    _tell_unknown(tally, operation)
    finish(ending, watching, problem)


def tally_of(watching: Watching) -> Tally:
    """Return the counts of a run, and exit if it ended before it began."""
    if watching.tally is None:
        fail(f"{watching.stop.why}; nothing was sent", watching.stop.code)
    return watching.tally


def finish(ending: Ending, watching: Watching, problem: str | None) -> NoReturn:
    """Exit.

    Args:
        ending: how the run ended.
        watching: what was seen of it.
        problem: what went wrong with the results and the totals, if anything.
    """
    stop, tally = watching.stop, tally_of(watching)
    if stop.why or ending.error:
        if problem:
            typer.echo(f"Error: {visible(problem)}", err=True)
        _fail(stop, ending.error)
    if problem:
        fail(problem)
    raise typer.Exit(REFUSED if tally.failed else 0)


def _fail(stop: Stop, error: MonoCloudError | None) -> NoReturn:
    why = stop.why or str(error)
    advice = "" if "to resume" in why else "; run the same command to resume"
    fail(f"{why}{advice}", stop.code or REFUSED)


def totals(tally: Tally, statuses: Sequence[str]) -> str:
    """Return the totals as one line.

    Args:
        tally: the counts.
        statuses: the statuses to show.
    """
    if not tally.rows:
        return "the input has no rows: nothing to do"
    earlier = f" ({tally.before:,} from earlier runs)" if tally.before else ""
    return tally.summary(statuses) + earlier


def _tell_unknown(tally: Tally, operation: JobOperation) -> None:
    if unknown := tally.of(UNKNOWN):
        noun = "row" if unknown == 1 else "rows"
        finds_out = operation.rules.gone or can_look_up(operation.runnable.name)
        advice = UNKNOWN_GONE if finds_out else UNKNOWN_ADVICE
        typer.echo(f"{unknown:,} {noun} {advice}", err=True)


def _write(
    ending: Ending,
    job: Job,
    operation: JobOperation,
    watching: Watching,
    results: Results | None,
) -> str | None:
    fixed = fixed_arguments(job.fixed, operation.parameters, job.null)

    def write(file: TextIO, lines: Iterable[bytes], shown: Sequence[str]) -> None:
        arguments = [name for name in shown if name not in fixed]
        write_outcomes(file, lines, watching.pieces, arguments, as_json=job.answers)

    return write_results(ending, watching, results, write)


def write_results(
    ending: Ending,
    watching: Watching,
    results: Results | None,
    write_lines: Callable[[TextIO, Iterable[bytes], Sequence[str]], None],
) -> str | None:
    """Write the results; return an error message if that fails.

    Args:
        ending: how the run ended.
        watching: what was seen of it.
        results: the results file, if any.
        write_lines: writes outcomes, each as JSON, with the members of rows that they show.
    """
    result = ending.result
    if results is None:
        return None
    if result is None:
        return _NO_RESULTS
    lines = _Counted(result.lines())

    def write(file: TextIO) -> None:
        write_lines(file, lines, result.columns)

    problem = written(watching.stop, lambda: results.write_by(write))
    if problem is None and lines.count < result.rows:
        missing = result.rows - lines.count
        noun = "row" if missing == 1 else "rows"
        return f"the results lack {missing:,} {noun}, whose outcome is not known"
    return problem


class _Counted(Iterable[bytes]):
    """Counts lines as they are read."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = lines
        self.count: int = 0

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            self.count += 1
            yield line
