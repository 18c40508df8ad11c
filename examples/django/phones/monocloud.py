"""The client of this process."""

import functools

from django.conf import settings

from monocloud_sync import MonoCloudClient, RetryPolicy

# Somebody waits for the answer: give up sooner than a batch would.
PATIENCE = RetryPolicy(deadline=15.0, max_retry_after=2.0)


@functools.cache
def monocloud() -> MonoCloudClient:
    """Return the client: made by the first call, used by all threads, before and after a fork.

    Made at import, it would fail `manage.py check` wherever the settings are missing.
    """
    return MonoCloudClient(
        settings.MONOCLOUD_DOMAIN, settings.MONOCLOUD_API_KEY, timeout=5.0, retry=PATIENCE
    )
