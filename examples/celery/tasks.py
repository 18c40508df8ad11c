"""Celery tasks that make each change once, even if they are delivered twice."""

import functools

from celery import Celery

from monocloud_sync import (
    APIError,
    MonoCloudClient,
    RateLimitedError,
    RetryPolicy,
    ServerError,
    TransportError,
    User,
)

app = Celery("tasks")
app.config_from_object(
    {
        "broker_connection_retry_on_startup": True,
        # Deliver a task again if its worker is killed. The tasks below are safe to run twice.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_soft_time_limit": 60,
    }
)

# A waiting worker does nothing else, so the client waits briefly and leaves long waits to Celery.
SHORT_WAITS = RetryPolicy(deadline=20.0, max_retry_after=2.0)


@functools.cache
def monocloud() -> MonoCloudClient:
    """Return this process's client. The first task creates it, and all threads share it."""
    return MonoCloudClient(timeout=5.0, retry=SHORT_WAITS)


class MonoCloudTask(app.Task):
    """A task that retries later if the tenant is busy or cannot be reached."""

    autoretry_for = (RateLimitedError, ServerError, TransportError)
    max_retries = 8
    retry_backoff = 2  # seconds, doubled each time
    retry_backoff_max = 600
    retry_jitter = True

    def retry(self, *args, exc=None, countdown=None, **kwargs):
        """Retry after the time that the server asks for, if it asks for one."""
        if isinstance(exc, APIError) and exc.retry_after is not None:
            countdown = exc.retry_after
        return super().retry(*args, exc=exc, countdown=countdown, **kwargs)


@app.task(base=MonoCloudTask)
def set_primary_phone(user_id: str, phone_id: str) -> str | None:
    """Make a phone primary. Repeating this changes nothing."""
    user = monocloud().phones.set_primary(user_id, phone_id)
    return user.primary_phone and user.primary_phone.phone


@app.task(base=MonoCloudTask)
def add_phone(user_id: str, phone: str) -> str | None:
    """Add a phone, and return its id.

    The SDK does not retry an addition if its response was lost, and a task must not do so either.
    Each delivery therefore looks for the phone first, because an earlier one may have added it. If
    two run at the same moment, the tenant refuses the second addition, because numbers are unique.
    """
    user = monocloud().users.get(user_id)
    if _id_of(user, phone) is None:
        user = monocloud().phones.add(user_id, phone)
    return _id_of(user, phone)


def _id_of(user: User, phone: str) -> str | None:
    return next((found.id for found in user.phone_numbers or () if found.phone == phone), None)
