"""The end of a run on a cluster: results, totals and the exit code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
    stop, tally = watching.stop, watching.tally
    if tally is None:
        fail(f"{stop.why}; nothing was sent", stop.code)
    operation = JobOperation(job)
    problem = _write(ending.result, job, operation, watching, results)
    problem = print_totals(_totals(tally, operation)) or problem
    _tell_unknown(tally, operation)
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


def _totals(tally: Tally, operation: JobOperation) -> str:
    if not tally.rows:
        return "the input has no rows: nothing to do"
    statuses = (OK, FAILED, UNKNOWN, SKIPPED) if operation.rules.once else (OK, FAILED, SKIPPED)
    earlier = f" ({tally.before:,} from earlier runs)" if tally.before else ""
    return tally.summary(statuses) + earlier


def _tell_unknown(tally: Tally, operation: JobOperation) -> None:
    if unknown := tally.of(UNKNOWN):
        noun = "row" if unknown == 1 else "rows"
        finds_out = operation.rules.gone or can_look_up(operation.runnable.name)
        advice = UNKNOWN_GONE if finds_out else UNKNOWN_ADVICE
        typer.echo(f"{unknown:,} {noun} {advice}", err=True)


def _write(
    result: ClusterResult | None,
    job: Job,
    operation: JobOperation,
    watching: Watching,
    results: Results | None,
) -> str | None:
    """Write the results; return an error message if that fails."""
    if results is None:
        return None
    if result is None:
        return _NO_RESULTS
    fixed = fixed_arguments(job.fixed, operation.parameters, job.null)
    arguments = [name for name in result.columns if name not in fixed]
    lines = _Counted(result.lines())

    def write(file: TextIO) -> None:
        write_outcomes(file, lines, watching.pieces, arguments, as_json=job.answers)

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
