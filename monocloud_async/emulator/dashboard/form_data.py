"""The fields of a form that a browser sent."""

from __future__ import annotations

from collections.abc import Mapping
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

from ..problems import bad_request
from ..service import Received


def fields(received: Received) -> Mapping[str, str]:
    """Return the form's fields by name; the value of a file is its text.

    Raises:
        ProblemError: 400 or 413 if the form cannot be read.
    """
    if received.flaw is not None:
        raise received.flaw
    try:
        if received.request.content_type == "multipart/form-data":
            return _parts(received.request.headers["Content-Type"], received.body)
        return dict(parse_qsl(received.body.decode(), keep_blank_values=True))
    except ValueError:
        raise bad_request("The form is not UTF-8 text.") from None


def _parts(content_type: str, body: bytes) -> Mapping[str, str]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    found: dict[str, str] = {}
    for part in BytesParser(policy=HTTP).parsebytes(head + body).iter_parts():
        name = part.get_param("name", header="Content-Disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            found[name] = content.decode("utf-8-sig")
    return found
