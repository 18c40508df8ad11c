"""Responses of the passwords resource."""

from datetime import datetime

import attrs

from ._record import AnswerRecord, secret_text


@attrs.frozen(kw_only=True)
class ResetPasswordResponse(AnswerRecord):
    """A password reset link.

    Attributes:
        link: the link. Anyone who has it can set the password, so ``repr`` hides it.
        expires_at: when the link expires.
        email_sent: whether the API emailed it to the user.
    """

    link: str | None = secret_text()
    expires_at: datetime | None = None
    email_sent: bool | None = None
