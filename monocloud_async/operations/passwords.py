"""Operations of the passwords resource."""

from .._operation import Operation, Repeat, nothing, one
from ..models import ResetPasswordResponse, User

_PASSWORD = "/users/{user_id}/password"  # noqa: S105  (a path)
_FORCE_RESET = f"{_PASSWORD}/force_reset"
SET = Operation("passwords.set", "PUT", _PASSWORD, one(User), Repeat.ONCE)
REMOVE = Operation("passwords.remove", "DELETE", _PASSWORD, nothing, Repeat.GONE)
SET_RESET_REQUIRED = Operation("passwords.set_reset_required", "POST", _FORCE_RESET, one(User))
REMOVE_RESET_REQUIRED = Operation(
    "passwords.remove_reset_required", "DELETE", _FORCE_RESET, one(User)
)
RESET = Operation(
    "passwords.reset", "POST", f"{_PASSWORD}/reset", one(ResetPasswordResponse), Repeat.ONCE
)
CHANGE = Operation("passwords.change", "PUT", f"{_PASSWORD}/change", one(User), Repeat.ONCE)
