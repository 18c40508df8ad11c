"""Operations of the external_providers resource."""

from .._operation import Operation, Repeat, one
from ..models import User

DISCONNECT = Operation(
    "external_providers.disconnect",
    "POST",
    "/users/{user_id}/external_authenticator/disconnect",
    one(User),
    Repeat.GONE,
)
