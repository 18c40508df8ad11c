"""The records that the API returns."""

from ._record import AnswerRecord, Record
from .blocked_ips import UserIpAccessDetails
from .data import UserPrivateData, UserPublicData
from .emails import VerifyEmailResponse
from .grants import (
    AuthorizationCode,
    ReferenceToken,
    RefreshToken,
    UserClientGrants,
    UserConsent,
    UserConsentScope,
)
from .groups import UserGroup
from .passwords import ResetPasswordResponse
from .sessions import UserSession, UserSessionMetadata
from .user import (
    User,
    UserConnection,
    UserEmail,
    UserExternalProvider,
    UserIdp,
    UserPasskey,
    UserPhone,
    UserSummary,
    UserUsername,
)

__all__ = [
    "AnswerRecord",
    "AuthorizationCode",
    "Record",
    "ReferenceToken",
    "RefreshToken",
    "ResetPasswordResponse",
    "User",
    "UserClientGrants",
    "UserConnection",
    "UserConsent",
    "UserConsentScope",
    "UserEmail",
    "UserExternalProvider",
    "UserGroup",
    "UserIdp",
    "UserIpAccessDetails",
    "UserPasskey",
    "UserPhone",
    "UserPrivateData",
    "UserPublicData",
    "UserSession",
    "UserSessionMetadata",
    "UserSummary",
    "UserUsername",
    "VerifyEmailResponse",
]
