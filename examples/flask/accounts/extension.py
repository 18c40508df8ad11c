"""The MonoCloud client as a Flask extension."""

from __future__ import annotations

import functools

from flask import Flask, current_app

from monocloud_sync import MonoCloudClient, RetryPolicy

# Somebody waits for the answer: give up sooner than a batch would.
PATIENCE = RetryPolicy(deadline=15.0, max_retry_after=2.0)


class MonoCloud:
    """One client for each app: made by the first request, shared by all threads."""

    def init_app(self, app: Flask) -> None:
        """Prepare the client; what MONOCLOUD_DOMAIN and _API_KEY leave out, the environment says.

        Nothing is made yet, so that `flask routes` and other commands need no settings.
        """

        @functools.cache
        def client() -> MonoCloudClient:
            return MonoCloudClient(
                app.config.get("MONOCLOUD_DOMAIN"),
                app.config.get("MONOCLOUD_API_KEY"),
                timeout=5.0,
                retry=PATIENCE,
            )

        app.extensions["monocloud"] = client

    @property
    def client(self) -> MonoCloudClient:
        """The client of the current app."""
        client: MonoCloudClient = current_app.extensions["monocloud"]()
        return client


monocloud = MonoCloud()
