"""Operations of the users resource."""

from .._operation import Operation, Repeat, nothing, one, page_of
from ..models import User, UserSummary

_USER = "/users/{user_id}"
LIST = Operation("users.list", "GET", "/users", page_of(UserSummary))
CREATE = Operation("users.create", "POST", "/users", one(User), Repeat.ONCE)
GET = Operation("users.get", "GET", _USER, one(User))
DELETE = Operation("users.delete", "DELETE", _USER, nothing, Repeat.GONE)
ENABLE = Operation("users.enable", "POST", f"{_USER}/enable", one(User))
DISABLE = Operation("users.disable", "POST", f"{_USER}/disable", one(User))
UNBLOCK = Operation("users.unblock", "POST", f"{_USER}/unblock", one(User))
PATCH_CLAIMS = Operation("users.patch_claims", "PATCH", f"{_USER}/claims", one(User))
