"""The kinds of jobs: calls of an operation, and imports of users."""

from __future__ import annotations

from .job import Job
from .kind import Kind
from .operation import JobOperation
from .user_rows import UserRows


def kind_of(job: Job) -> Kind:
    """Return the kind of a job.

    Raises:
        ConfigurationError: there is no such operation, or an option is invalid.
    """
    return UserRows(job) if job.user_import is not None else JobOperation(job)
