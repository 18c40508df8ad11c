"""Batches on a Dask cluster, with one pace per tenant."""

from .driver import InputMistakesError, Progress
from .results import ClusterResult, StoppedError
from .running import run

__all__ = ["ClusterResult", "InputMistakesError", "Progress", "StoppedError", "run"]
