"""API operations: name, path, decoder and retry behavior."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar, cast

import attrs

from ._address import segment
from ._converter import structure
from ._json import parse
from .errors import InvalidArgumentError, InvalidRecordError, MonoCloudError, NotFoundError
from .models.paging import PagingHeader
from .pages import Page

T = TypeVar("T")
# Decodes the body and headers of a 2xx response; raises ValueError if it cannot.
Decoder = Callable[[bytes, Mapping[str, str]], T]
_PARAMETER = re.compile(r"\{(\w+)\}")
_PAGING_HEADER = "x-pagination"
_READING = ("GET", "HEAD")
_METHOD = re.compile(r"GET|HEAD|POST|PUT|PATCH|DELETE")
_PATH = re.compile(r"(/([A-Za-z0-9._~-]+|\{[A-Za-z_][A-Za-z0-9_]*\}))+")
_DOTS = re.compile(r"/\.{1,2}(/|$)")


class Repeat(enum.Enum):
    """How an operation may be retried after an attempt whose response was lost.

    Attributes:
        SAFE: the operation is idempotent and can be retried.
        GONE: idempotent too, but a retry may find nothing left to do and get a 404.
        ONCE: not idempotent; retried only if the server has certainly not applied it.
    """

    SAFE = "safe"
    GONE = "gone"
    ONCE = "once"


@attrs.frozen
class Operation(Generic[T]):
    """An operation of the API.

    Attributes:
        name: the name in logs and errors, such as ``phones.set_primary``.
        method: the HTTP method.
        path: the path below ``/api`` with ids as ``{name}``, such as ``/users/{user_id}``.
        decode: decodes a successful response.
        repeat: how the operation may be retried.
    """

    name: str
    method: str
    path: str
    decode: Decoder[T]
    repeat: Repeat = Repeat.SAFE
    parameters: tuple[str, ...] = attrs.field(init=False, repr=False, eq=False)
    _literals: tuple[str, ...] = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        texts = _PARAMETER.split(f"/api{self.path}")
        object.__setattr__(self, "_literals", tuple(texts[0::2]))
        object.__setattr__(self, "parameters", tuple(texts[1::2]))

    @property
    def template(self) -> str:
        """The whole path, with its parameters unfilled."""
        return f"/api{self.path}"

    @property
    def reads(self) -> bool:
        """Whether the operation only reads, so a failed attempt has changed nothing."""
        return self.method in _READING

    def is_done(self, error: MonoCloudError) -> bool:
        """Return whether an error is a 404 because a lost earlier attempt was applied."""
        return (
            self.repeat is Repeat.GONE
            and isinstance(error, NotFoundError)
            and error.may_have_been_applied
            and self.decode is cast("Decoder[T]", nothing)
        )

    def address(self, *ids: str) -> str:
        """Return the path for these ids; each id fills exactly one segment.

        Raises:
            InvalidArgumentError: an id cannot be a path segment.
        """
        path = self._literals[0]
        for name, value, rest in zip(self.parameters, ids, self._literals[1:], strict=True):
            path += segment(name, value) + rest
        return path


def one(kind: type[T]) -> Decoder[T]:
    """Return the decoder of a response that is one record."""

    def decode(body: bytes, _: Mapping[str, str]) -> T:
        return structure(parse(body), kind)

    return decode


def one_or_nothing(kind: type[T]) -> Decoder[T | None]:
    """Return the decoder of a response that is one record, or empty on older servers."""

    def decode(body: bytes, _: Mapping[str, str]) -> T | None:
        return structure(parse(body), kind) if body else None

    return decode


def page_of(kind: type[T]) -> Decoder[Page[T]]:
    """Return the decoder of a response that is one page of a list."""
    items: Any = tuple[kind, ...]  # type: ignore[valid-type]
    return page_with(lambda body: structure(parse(body), items))


def page_with(read: Callable[[bytes], tuple[T, ...]]) -> Decoder[Page[T]]:
    """Return the decoder of one page of a list, with a function that decodes its rows."""

    def decode(body: bytes, headers: Mapping[str, str]) -> Page[T]:
        paging = _paging(headers)
        return Page(
            items=read(body),
            page_size=paging.page_size,
            current_page=paging.current_page,
            total_count=paging.total_count,
            has_previous=paging.has_previous,
            has_next=paging.has_next,
        )

    return decode


def nothing(body: bytes, _: Mapping[str, str]) -> None:
    """Decode an empty response: a 204, or any 2xx without a body."""
    if body.strip():
        raise ValueError("the body should be empty")


def content(body: bytes, _: Mapping[str, str]) -> bytes:
    """Decode any response to its raw bytes, from which the call makes an ``APIResponse``."""
    return body


def any_operation(method: object, path: object, repeat: object) -> Operation[Any]:
    """Return an ad-hoc operation for a method and a path.

    Args:
        method: the HTTP method.
        path: the path below ``/api`` with ids as ``{name}``.
        repeat: how the operation may be retried. None decides by the method.

    Raises:
        InvalidArgumentError: an argument is invalid.
    """
    if not isinstance(method, str) or not _METHOD.fullmatch(method):
        raise InvalidArgumentError(
            f"method must be an HTTP method such as 'GET', not {method!r}; nothing was sent"
        )
    if not isinstance(path, str) or not _PATH.fullmatch(path) or _DOTS.search(path):
        raise InvalidArgumentError(
            "path must be a template such as '/users/{user_id}': segments of letters, digits, "
            f"dots, dashes and underscores, ids in braces, not {path!r}; nothing was sent"
        )
    if repeat is not None and not isinstance(repeat, Repeat):
        raise InvalidArgumentError(
            f"repeat must be a Repeat, such as Repeat.SAFE, not {repeat!r}; nothing was sent"
        )
    reads = method in _READING
    return Operation(
        f"{method} {path}", method, path, content, repeat or (Repeat.SAFE if reads else Repeat.ONCE)
    )


def _paging(headers: Mapping[str, str]) -> PagingHeader:
    """Decode the header that locates a page in its list.

    Its absence is an error: the page would pass for the last one, and truncate the list.
    """
    text = headers.get(_PAGING_HEADER)
    if text is None:
        raise ValueError(f"the {_PAGING_HEADER} header is missing, so there may be more pages")
    try:
        return structure(parse(text.encode()), PagingHeader)
    except InvalidRecordError as error:
        why = str(error)
    except ValueError as error:
        why = f"{error}"
    raise ValueError(f"the {_PAGING_HEADER} header cannot be read: {why}")
