"""Operations of the data resource."""

from .._operation import Operation, one
from ..models import UserPrivateData, UserPublicData

_PRIVATE = "/users/{user_id}/private_data"
_PUBLIC = "/users/{user_id}/public_data"
GET_PRIVATE = Operation("data.get_private", "GET", _PRIVATE, one(UserPrivateData))
PATCH_PRIVATE = Operation("data.patch_private", "PATCH", _PRIVATE, one(UserPrivateData))
GET_PUBLIC = Operation("data.get_public", "GET", _PUBLIC, one(UserPublicData))
PATCH_PUBLIC = Operation("data.patch_public", "PATCH", _PUBLIC, one(UserPublicData))
