"""Operations of the phones resource."""

from .._operation import Operation, Repeat, one
from ..models import User

_PHONES = "/users/{user_id}/phones"
_PHONE = f"{_PHONES}/{{identifier_id}}"
ADD = Operation("phones.add", "POST", _PHONES, one(User), Repeat.ONCE)
REMOVE = Operation("phones.remove", "DELETE", _PHONE, one(User), Repeat.GONE)
SET_PRIMARY = Operation("phones.set_primary", "POST", f"{_PHONE}/primary", one(User))
SET_VERIFIED = Operation("phones.set_verified", "POST", f"{_PHONE}/verify", one(User))
SET_UNVERIFIED = Operation("phones.set_unverified", "POST", f"{_PHONE}/unverify", one(User))
