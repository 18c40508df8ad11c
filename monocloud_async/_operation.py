"""One operation of the API: its name, its path, how its answer is read, how it may be repeated."""

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
# Reads the body and the headers of a 2xx; raises ValueError where they cannot be read.
Decoder = Callable[[bytes, Mapping[str, str]], T]
_PARAMETER = re.compile(r"\{(\w+)\}")
_PAGING_HEADER = "x-pagination"
_READING = ("GET", "HEAD")
_METHOD = re.compile(r"GET|HEAD|POST|PUT|PATCH|DELETE")
_PATH = re.compile(r"(/([A-Za-z0-9._~-]+|\{[A-Za-z_][A-Za-z0-9_]*\}))+")
_DOTS = re.compile(r"/\.{1,2}(/|$)")


class Repeat(enum.Enum):
    """How an operation may be repeated after an attempt whose answer was lost.

    Attributes:
        SAFE: sending it twice does what sending it once does.
        GONE: the same, but a repeat may find nothing left to do, and answer 404.
        ONCE: it is sent again only where the server has certainly not carried it out.
    """

    SAFE = "safe"
    GONE = "gone"
    ONCE = "once"


@attrs.frozen
class Operation(Generic[T]):
    """One operation of the API.

    Attributes:
        name: what logs and errors call it, such as ``phones.set_primary``.
        method: the HTTP method.
        path: below ``/api``, ids as ``{name}``, such as ``/users/{user_id}``.
        decode: reads a successful answer.
        repeat: how it may be repeated.
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
        """Whether it only reads, so that a failed one has changed nothing."""
        return self.method in _READING

    def is_done(self, error: MonoCloudError) -> bool:
        """Return whether an error is a 404 because an earlier attempt, its answer lost, did it."""
        return (
            self.repeat is Repeat.GONE
            and isinstance(error, NotFoundError)
            and error.may_have_been_applied
            and self.decode is cast("Decoder[T]", nothing)
        )

    def address(self, *ids: str) -> str:
        """Return the path for these ids, each of them exactly one segment.

        Raises:
            InvalidArgumentError: an id cannot be a segment.
        """
        path = self._literals[0]
        for name, value, rest in zip(self.parameters, ids, self._literals[1:], strict=True):
            path += segment(name, value) + rest
        return path


def one(kind: type[T]) -> Decoder[T]:
    """Return the decoder of an answer that is one record."""

    def decode(body: bytes, _: Mapping[str, str]) -> T:
        return structure(parse(body), kind)

    return decode


def one_or_nothing(kind: type[T]) -> Decoder[T | None]:
    """Return the decoder of an answer that is one record, or empty, as from older servers."""

    def decode(body: bytes, _: Mapping[str, str]) -> T | None:
        return structure(parse(body), kind) if body else None

    return decode


def page_of(kind: type[T]) -> Decoder[Page[T]]:
    """Return the decoder of an answer that is one page of a list."""
    items: Any = tuple[kind, ...]  # type: ignore[valid-type]
    return page_with(lambda body: structure(parse(body), items))


def page_with(read: Callable[[bytes], tuple[T, ...]]) -> Decoder[Page[T]]:
    """Return the decoder of an answer that is one page of a list, whose rows a function reads."""

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
    """Read an answer without content: a 204, or any 2xx whose body is empty."""
    if body.strip():
        raise ValueError("it has content where none was expected")


def content(body: bytes, _: Mapping[str, str]) -> bytes:
    """Read any answer: its content, as it is; the call makes an ``APIResponse`` of it."""
    return body


def any_operation(method: object, path: object, repeat: object) -> Operation[Any]:
    """Return an operation that has no declaration.

    Args:
        method: the HTTP method.
        path: below ``/api``, ids as ``{name}``.
        repeat: how it may be repeated; None to decide by the method.

    Raises:
        InvalidArgumentError: it cannot be sent.
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
    """Read the header that says where in its list a page is.

    Without it, a page would look like the last one, and the rest of the list like nothing.
    """
    text = headers.get(_PAGING_HEADER)
    if text is None:
        raise ValueError(f"it has no {_PAGING_HEADER} header, so whether more follows is unknown")
    try:
        return structure(parse(text.encode()), PagingHeader)
    except InvalidRecordError as error:
        why = str(error)
    except ValueError as error:
        why = f"{error}"
    raise ValueError(f"its {_PAGING_HEADER} header cannot be read: {why}")
