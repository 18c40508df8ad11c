"""A minimal server of a tenant with many users, all generated from one record.

It responds to ``GET …/users?page=…&size=…`` with a page, and ``GET …/users/{user_id}`` with a user.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys

from .bodies import BODY, as_dotnet_writes
from .server import Connection, serve

_ID = b"UOtBaOybB6dT"
_PAGE = re.compile(rb"/api/users\?(?=.*\bpage=(\d+))(?=.*\bsize=(\d+))")
_USER = re.compile(rb"/api/users/(\w+)$")
_TIME = 1_600_000_000
_NO_ID, _NO_TIME = b"@" * 21, b"1111111111"
_LARGEST = 100


def _template(*, whole: bool) -> bytes:
    record = json.loads(BODY)
    record |= {"user_id": _NO_ID.decode(), "creation_time": int(_NO_TIME)}
    if not whole:
        del record["public_data"], record["private_data"]
    return as_dotnet_writes(record)


_WHOLE, _SUMMARY = _template(whole=True), _template(whole=False)


class Tenant(Connection):
    """One connection to a tenant with ``users`` users."""

    def __init__(self, users: int) -> None:
        super().__init__(b"")
        self._users = users

    def answer_to(self, head: bytes) -> bytes:
        target = head.split(b" ", 2)[1]
        if found := _PAGE.match(target):
            return _page(self._users, int(found[1]), min(int(found[2]), _LARGEST))
        if found := _USER.match(target):
            return _answer(_row(_WHOLE, int(found[1][-9:])))
        return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def _row(template: bytes, number: int) -> bytes:
    named = template.replace(_NO_ID, _ID + b"%09d" % number)
    return named.replace(_NO_TIME, b"%d" % (_TIME + number // 3))


def _page(users: int, page: int, size: int) -> bytes:
    first, end = (page - 1) * size, min(page * size, users)
    paging = {
        "page_size": size,
        "current_page": page,
        "total_count": users,
        "has_previous": page > 1,
        "has_next": end < users,
    }
    rows = b",".join(_row(_SUMMARY, number) for number in range(first, end))
    return _answer(b"[" + rows + b"]", f"X-Pagination: {json.dumps(paging)}\r\n".encode())


def _answer(body: bytes, more: bytes = b"") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    return head + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


if __name__ == "__main__":
    count = int(sys.argv[1])
    asyncio.run(serve(lambda: Tenant(count)))
