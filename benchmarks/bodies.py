"""The response that all contenders read: a typical user, serialized in several ways.

It follows the API's current documentation: a Google account with a 21-digit id, non-ASCII names,
and phone numbers with a plus sign. MonoCloud is built on .NET, which escapes the last two.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

_RECORD = json.loads((Path(__file__).parent / "record.json").read_text(encoding="utf-8"))
_GOOGLE_ID = b"108204268033311374519"
_COMPACT = (",", ":")
# What .NET's default encoder escapes, in addition to all non-ASCII characters.
_ESCAPED_BY_DOTNET = re.compile(r"[+<>&'`\u007f-\uffff]")


def as_dotnet_writes(record: object, indent: int | None = None) -> bytes:
    """Return JSON as .NET's System.Text.Json writes it.

    Args:
        record: the value.
        indent: spaces per level; None for a single line.
    """
    separators = _COMPACT if indent is None else None
    text = json.dumps(record, indent=indent, separators=separators, ensure_ascii=False)
    return _ESCAPED_BY_DOTNET.sub(lambda found: f"\\u{ord(found[0]):04X}", text).encode()


def _bodies() -> dict[str, bytes]:
    dotnet = as_dotnet_writes(_RECORD)
    plain = json.dumps(_RECORD, separators=_COMPACT, ensure_ascii=False).encode()
    return {
        "as .NET writes it": dotnet,
        "as .NET writes it, indented": as_dotnet_writes(_RECORD, indent=2),
        "as .NET writes it, prefixed ids": dotnet.replace(_GOOGLE_ID, b"google|" + _GOOGLE_ID),
        "spaces after colons": json.dumps(_RECORD, ensure_ascii=False).encode(),
        "compact": plain,
        "compact, shorter ids": plain.replace(_GOOGLE_ID, _GOOGLE_ID[:12]),
    }


BODIES = _bodies()
BODY = BODIES["as .NET writes it"]
