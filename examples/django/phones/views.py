"""The view. It handles no errors, because errors.py turns them into responses."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_POST

from .monocloud import monocloud


@require_POST
def set_primary_phone(_: HttpRequest, user_id: str, phone_id: str) -> JsonResponse:
    """Make one of the user's phones primary."""
    user = monocloud().phones.set_primary(user_id, phone_id)
    return JsonResponse({"primary": user.primary_phone and user.primary_phone.phone})
