"""Batches on a Dask cluster, with one pace per tenant; needs the extra ``dask``."""

try:
    from .checking import InputMistakesError
    from .driver import Progress
    from .importing import import_users
    from .results import ClusterResult, StoppedError
    from .running import run
except ModuleNotFoundError as _error:
    if _error.name not in ("dask", "distributed", "fsspec"):
        raise
    raise ModuleNotFoundError(
        "monocloud_async.dask needs Dask: run pip install 'monocloud[dask]'", name=_error.name
    ) from None

__all__ = ["ClusterResult", "InputMistakesError", "Progress", "StoppedError", "import_users", "run"]
