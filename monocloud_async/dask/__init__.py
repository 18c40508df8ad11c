"""Batches on a Dask cluster, with one pace per tenant."""

from .driver import InputMistakesError, Progress
from .importing import import_users
from .results import ClusterResult, StoppedError
from .running import run

__all__ = ["ClusterResult", "InputMistakesError", "Progress", "StoppedError", "import_users", "run"]
