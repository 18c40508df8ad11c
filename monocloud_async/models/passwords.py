"""What the API answers about passwords."""

from datetime import datetime

import attrs

from ._record import AnswerRecord, secret_text


@attrs.frozen(kw_only=True)
class ResetPasswordResponse(AnswerRecord):
    """A password reset link that the API made.

    Attributes:
        link: the link; anyone who has it can set the password, so ``repr`` hides it.
        expires_at: when the link stops working.
        email_sent: whether the API sent it to the user.
    """

    link: str | None = secret_text()
    expires_at: datetime | None = None
    email_sent: bool | None = None
