"""What the API answers about email addresses."""

from datetime import datetime

import attrs

from ._record import AnswerRecord


@attrs.frozen(kw_only=True)
class VerifyEmailResponse(AnswerRecord):
    """A verification link that the API made; only the user receives it.

    Attributes:
        expires_at: when the link stops working.
        email_sent: whether the API sent it.
    """

    expires_at: datetime | None = None
    email_sent: bool | None = None
