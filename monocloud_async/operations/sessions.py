"""Operations of the sessions resource."""

from .._operation import Operation, Repeat, nothing, one, page_of
from ..models import UserSession

_SESSIONS = "/users/{user_id}/sessions"
_SESSION = f"{_SESSIONS}/{{session_id}}"
LIST = Operation("sessions.list", "GET", _SESSIONS, page_of(UserSession))
GET = Operation("sessions.get", "GET", _SESSION, one(UserSession))
REVOKE = Operation("sessions.revoke", "DELETE", _SESSION, nothing, Repeat.GONE)
