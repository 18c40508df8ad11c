"""Operations of the groups resource."""

from .._operation import Operation, Repeat, nothing, one, one_or_nothing, page_of
from ..models import UserGroup, UserSummary

_GROUPS = "/users/{user_id}/groups"
_GROUP = f"{_GROUPS}/{{group_id}}"
LIST = Operation("groups.list", "GET", _GROUPS, page_of(UserGroup))
GET = Operation("groups.get", "GET", _GROUP, one(UserGroup))
ASSIGN = Operation("groups.assign", "POST", _GROUP, one_or_nothing(UserGroup), Repeat.ONCE)
REMOVE = Operation("groups.remove", "DELETE", _GROUP, nothing, Repeat.GONE)
LIST_USERS = Operation(
    "groups.list_users", "GET", "/users/groups/{group_id}/assigned", page_of(UserSummary)
)
