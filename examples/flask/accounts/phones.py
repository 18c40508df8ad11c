"""The views."""

from __future__ import annotations

from flask import Blueprint

from .extension import monocloud

blueprint = Blueprint("phones", __name__)


@blueprint.post("/users/<user_id>/primary-phone/<phone_id>")
def set_primary_phone(user_id: str, phone_id: str) -> dict[str, str | None]:
    """Make one of the user's phones primary."""
    user = monocloud.client.phones.set_primary(user_id, phone_id)
    return {"primary": user.primary_phone and user.primary_phone.phone}
