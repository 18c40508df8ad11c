"""Check the input of a run, before anything is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from distributed import Client, KilledWorker

from ..errors import ConfigurationError, MonoCloudError
from .connection import awaiting
from .duplicates import find_duplicates
from .inputs import Input
from .job import Job
from .staging import StagedPiece

_MOST_MISTAKES = 20


class InputMistakesError(ConfigurationError):
    """The input has mistakes, and nothing was sent.

    Attributes:
        mistakes: the first mistakes, each with its file and line.
        summary: the message without them.
    """

    def __init__(
        self, message: str, mistakes: Sequence[str] = (), summary: str | None = None
    ) -> None:
        super().__init__(message)
        self.mistakes = mistakes
        self.summary: str = message if summary is None else summary


async def staged(client: Client, job: Job, rows: Input) -> Sequence[StagedPiece]:
    """Check all rows, and write them where workers find them by bucket.

    Args:
        client: the Dask client.
        job: the job.
        rows: the input.

    Raises:
        InputMistakesError: the input has mistakes.
    """
    try:
        with awaiting():
            pieces = await _pieces(client, job, rows)
            mistakes, more = _mistakes(pieces)
            if not mistakes:
                mistakes, more = await find_duplicates(client, job, pieces)
    except KilledWorker as error:
        raise MonoCloudError(
            f"workers died again and again while they read the rows ({error.task}); nothing was "
            "sent: see their logs, for example for a memory limit"
        ) from None
    if mistakes:
        raise _mistaken(mistakes[:_MOST_MISTAKES], more=more)
    return pieces


async def _pieces(client: Client, job: Job, rows: Input) -> Sequence[StagedPiece]:
    futures = rows.stage(client, job)
    try:
        found: list[StagedPiece] = await asyncio.gather(*futures)
        return found
    finally:
        for future in futures:
            future.release()  # type: ignore[no-untyped-call]


def _mistakes(pieces: Sequence[StagedPiece]) -> tuple[Sequence[str], bool]:
    """Return the mistakes, and whether there are more."""
    mistakes = [
        f"{piece.name}, line {mistake.line}: {mistake.message}"
        for piece in pieces
        for mistake in piece.mistakes
    ]
    return mistakes, len(mistakes) > _MOST_MISTAKES or any(piece.more for piece in pieces)


def _mistaken(mistakes: Sequence[str], *, more: bool) -> InputMistakesError:
    count = f"more than {len(mistakes)}" if more else str(len(mistakes))
    noun, them = ("mistake", "it") if count == "1" else ("mistakes", "them")
    summary = f"the input has {count} {noun}; nothing was sent: correct {them} and try again"
    return InputMistakesError(f"{summary}: {'; '.join(mistakes)}", mistakes, summary)
