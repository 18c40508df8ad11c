"""Operations of the emails resource."""

from .._operation import Operation, Repeat, one
from ..models import User, VerifyEmailResponse

_EMAILS = "/users/{user_id}/emails"
_EMAIL = f"{_EMAILS}/{{identifier_id}}"
ADD = Operation("emails.add", "POST", _EMAILS, one(User), Repeat.ONCE)
REMOVE = Operation("emails.remove", "DELETE", _EMAIL, one(User), Repeat.GONE)
SET_PRIMARY = Operation("emails.set_primary", "POST", f"{_EMAIL}/primary", one(User))
SET_VERIFIED = Operation("emails.set_verified", "POST", f"{_EMAIL}/verify", one(User))
SET_UNVERIFIED = Operation("emails.set_unverified", "POST", f"{_EMAIL}/unverify", one(User))
SEND_VERIFICATION_LINK = Operation(
    "emails.send_verification_link",
    "POST",
    f"{_EMAIL}/verify/link",
    one(VerifyEmailResponse),
    Repeat.ONCE,
)
