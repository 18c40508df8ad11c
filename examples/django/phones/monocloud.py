"""The MonoCloud client of this process."""

import functools

from django.conf import settings

from monocloud_sync import MonoCloudClient, RetryPolicy

# A visitor waits for the response, so give up sooner than a batch would.
INTERACTIVE = RetryPolicy(deadline=15.0, max_retry_after=2.0)


@functools.cache
def monocloud() -> MonoCloudClient:
    """Return the client. The first call creates it, and all threads share it, even after a fork.

    If it were created at import, `manage.py check` would fail wherever the settings are missing.
    """
    return MonoCloudClient(
        settings.MONOCLOUD_DOMAIN, settings.MONOCLOUD_API_KEY, timeout=5.0, retry=INTERACTIVE
    )
