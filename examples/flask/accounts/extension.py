"""The MonoCloud client as a Flask extension."""

from __future__ import annotations

import functools

from flask import Flask, current_app

from monocloud_sync import MonoCloudClient, RetryPolicy

# A visitor waits for the response, so give up sooner than a batch would.
INTERACTIVE = RetryPolicy(deadline=15.0, max_retry_after=2.0)


class MonoCloud:
    """One client for each app. The first request creates it, and all threads share it."""

    def init_app(self, app: Flask) -> None:
        """Prepare the client, which the first request creates.

        So `flask routes` and other commands need no settings. If the app's config has no
        MONOCLOUD_DOMAIN or MONOCLOUD_API_KEY, the client reads the environment.
        """

        @functools.cache
        def client() -> MonoCloudClient:
            return MonoCloudClient(
                app.config.get("MONOCLOUD_DOMAIN"),
                app.config.get("MONOCLOUD_API_KEY"),
                timeout=5.0,
                retry=INTERACTIVE,
            )

        app.extensions["monocloud"] = client

    @property
    def client(self) -> MonoCloudClient:
        """The client of the current app."""
        client: MonoCloudClient = current_app.extensions["monocloud"]()
        return client


monocloud = MonoCloud()
