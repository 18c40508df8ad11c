"""Operations of the usernames resource."""

from .._operation import Operation, Repeat, one
from ..models import User

_USERNAME = "/users/{user_id}/username"
UPDATE = Operation("usernames.update", "PUT", _USERNAME, one(User))
REMOVE = Operation("usernames.remove", "DELETE", _USERNAME, one(User), Repeat.GONE)
