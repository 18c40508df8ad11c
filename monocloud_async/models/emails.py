"""Responses of the emails resource."""

from datetime import datetime

import attrs

from ._record import AnswerRecord


@attrs.frozen(kw_only=True)
class VerifyEmailResponse(AnswerRecord):
    """An email verification link, which only the user receives.

    Attributes:
        expires_at: when the link expires.
        email_sent: whether the API sent the email.
    """

    expires_at: datetime | None = None
    email_sent: bool | None = None
