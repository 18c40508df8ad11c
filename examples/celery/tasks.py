"""Celery tasks that may be delivered twice, and still change everything once."""

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
        # A task whose worker is killed is delivered again: each task below can bear that.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_soft_time_limit": 60,
    }
)

# A worker that waits does nothing else: short waits are the client's, long ones the broker's.
BRIEFLY = RetryPolicy(deadline=20.0, max_retry_after=2.0)


@functools.cache
def monocloud() -> MonoCloudClient:
    """Return this process's client: made by the first task, and shared by its threads."""
    return MonoCloudClient(timeout=5.0, retry=BRIEFLY)


class MonoCloudTask(app.Task):
    """A task that comes back later when the tenant is busy or away."""

    autoretry_for = (RateLimitedError, ServerError, TransportError)
    max_retries = 8
    retry_backoff = 2  # seconds, doubled each time
    retry_backoff_max = 600
    retry_jitter = True

    def retry(self, *args, exc=None, countdown=None, **kwargs):
        """Wait as long as the server asks for, where it says so."""
        if isinstance(exc, APIError) and exc.retry_after is not None:
            countdown = exc.retry_after
        return super().retry(*args, exc=exc, countdown=countdown, **kwargs)


@app.task(base=MonoCloudTask)
def set_primary_phone(user_id: str, phone_id: str) -> str | None:
    """Make a phone the primary one: the same however often it is done."""
    user = monocloud().phones.set_primary(user_id, phone_id)
    return user.primary_phone and user.primary_phone.phone


@app.task(base=MonoCloudTask)
def add_phone(user_id: str, phone: str) -> str | None:
    """Add a phone, and return its id.

    The SDK does not repeat an addition whose answer was lost, and neither may a task. So each
    delivery looks first: an earlier one may have added the phone. Of two deliveries at the same
    moment, the tenant refuses the later one: a number is unique.
    """
    user = monocloud().users.get(user_id)
    if _id_of(user, phone) is None:
        user = monocloud().phones.add(user_id, phone)
    return _id_of(user, phone)


def _id_of(user: User, phone: str) -> str | None:
    return next((found.id for found in user.phone_numbers or () if found.phone == phone), None)
