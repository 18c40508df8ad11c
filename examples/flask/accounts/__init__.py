"""A Flask app that sets a user's primary phone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask

from . import errors, phones
from .extension import monocloud


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return an app. Tests pass the emulator's address; production uses the environment."""
    app = Flask(__name__)
    app.config.update(config or {})
    monocloud.init_app(app)
    errors.init_app(app)
    app.register_blueprint(phones.blueprint)
    return app
