"""Operations of the blocked_ips resource."""

from .._operation import Operation, one, page_of
from ..models import User, UserIpAccessDetails

_BLOCKED_IPS = "/users/{user_id}/blocked_ips"
LIST = Operation("blocked_ips.list", "GET", _BLOCKED_IPS, page_of(UserIpAccessDetails))
UNBLOCK = Operation("blocked_ips.unblock", "POST", f"{_BLOCKED_IPS}/unblock", one(User))
