r"""The language of ``filter``: a subset of Lucene's query syntax.

A bare term searches the usual fields, and ``field:term`` one member of a row. A term matches a text
that equals it or contains it as a word; ``*`` matches any characters and ``?`` matches one; "a
phrase" matches consecutive words. Case is ignored. NOT binds tighter than AND, and AND tighter than
OR; parentheses group; two terms without an operator are combined with OR. A backslash escapes the
next character.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import translate
from typing import Any

import attrs

from .problems import ProblemError, bad_request

Json = dict[str, Any]
Test = Callable[[Json], bool]
_TOKEN = re.compile(
    r"""\s*(?:(?P<bracket>[()])|(?P<field>[\w.]+):|"(?P<phrase>(?:[^"\\]|\\.)*)"
    |(?P<term>(?:[^\s()":\\]|\\.)+))""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)")
_WORD = re.compile(r"\w+")
_REFUSED = re.compile(r"[-+!/\[{^~<>=]|&&|\|\||.*(?<!\\)[~^]")
_LONGEST = 1000
# Maximum nesting of parentheses.
_DEEPEST = 20


@attrs.frozen(eq=False)
class Fields:
    """The searchable fields of a list's rows.

    Attributes:
        names: the members of a row.
        aliases: other names, for paths within a row.
        alone: the paths that a bare term searches.
    """

    names: Sequence[str]
    aliases: Mapping[str, str]
    alone: Sequence[str]

    def paths(self, field: str | None) -> Sequence[str]:
        """Return the paths of a field.

        Raises:
            ProblemError: 400 if the field does not exist.
        """
        if field is None:
            return self.alone
        path = self.aliases.get(field, field)
        if path.partition(".")[0] not in self.names:
            raise _not_understood(f"unknown field {field!r}")
        return [path]


def parse(text: str, fields: Fields) -> Test:
    """Compile a filter to a test of rows.

    Raises:
        ProblemError: 400 if the emulator does not support the filter.
    """
    if len(text) > _LONGEST:
        raise _not_understood(f"it is longer than {_LONGEST} characters")
    reader = _Reader(list(_tokens(text)), fields)
    test = reader.any_of()
    if reader.tokens:
        raise _not_understood("unmatched closing parenthesis")
    return test


@attrs.define(eq=False)
class _Reader:
    tokens: list[tuple[str, str]]
    fields: Fields
    depth: int = 0

    def any_of(self) -> Test:
        tests = [self.all_of()]
        while self.tokens and self.tokens[0] != ("bracket", ")"):
            self._accept("OR")
            tests.append(self.all_of())
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def all_of(self) -> Test:
        tests = [self.one()]
        while self._accept("AND"):
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def one(self, field: str | None = None) -> Test:
        if field is None and self._accept("NOT"):
            test = self.one()
            return lambda row: not test(row)
        kind, text = self.tokens.pop(0) if self.tokens else ("end", "")
        if kind == "field" and field is None:
            return self.one(text)
        if kind == "phrase":
            return self._matching(field, _phrase(text))
        if kind == "term" and text not in ("AND", "OR", "NOT"):
            return self._matching(field, _term(text, field))
        if (kind, text) == ("bracket", "(") and field is None:
            return self._group()
        raise _not_understood("a term is missing" if field is None else f"{field}: has no term")

    def _group(self) -> Test:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _not_understood("the parentheses are nested too deeply")
        test = self.any_of()
        if not self.tokens:
            raise _not_understood("unclosed parenthesis")
        self.tokens.pop(0)
        self.depth -= 1
        return test

    def _accept(self, word: str) -> bool:
        if self.tokens and self.tokens[0] == ("term", word):
            self.tokens.pop(0)
            return True
        return False

    def _matching(self, field: str | None, matches: Callable[[str], bool]) -> Test:
        paths = [path.split(".") for path in self.fields.paths(field)]
        return lambda row: any(matches(text) for path in paths for text in _texts(row, path))


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position, text = 0, text.strip()
    while position < len(text):
        found = _TOKEN.match(text, position)
        if not found:
            raise _not_understood(f"unexpected {text[position:].strip()[:20]!r}")
        yield str(found.lastgroup), found[str(found.lastgroup)]
        position = found.end()


def _term(text: str, field: str | None) -> Callable[[str], bool]:
    # After a field, + can only start a phone number.
    if _REFUSED.match(text.removeprefix("+") if field else text):
        raise _not_understood(f"{text!r} is not a single term: put it in quotation marks")
    pieces = re.split(r"(\\.|[*?])", text.casefold())
    pattern = "".join(p if p in ("*", "?") else _literal(_ESCAPE.sub(r"\1", p)) for p in pieces)
    # The translated expressions do not backtrack, however many stars they have.
    regex = re.compile(translate(pattern))
    return lambda value: bool(
        regex.fullmatch(value) or any(regex.fullmatch(word) for word in _WORD.findall(value))
    )


def _literal(text: str) -> str:
    return re.sub(r"[*?[]", r"[\g<0>]", text)


def _phrase(text: str) -> Callable[[str], bool]:
    wanted = _ESCAPE.sub(r"\1", text).casefold()
    words = f" {' '.join(_WORD.findall(wanted))} "
    return lambda value: (
        value == wanted or (bool(words.strip()) and words in f" {' '.join(_WORD.findall(value))} ")
    )


def _texts(value: Any, path: Sequence[str]) -> Iterator[str]:
    """Yield the values at a path and below it, as text."""
    if isinstance(value, list):
        items: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
        for item in items:
            yield from _texts(item, path)
    elif isinstance(value, dict):
        members: Json = value  # pyright: ignore[reportUnknownVariableType]
        found = members if not path else {path[0]: members.get(path[0])}
        for item in found.values():
            yield from _texts(item, path[1:])
    elif path:
        return
    elif isinstance(value, bool):
        yield str(value).lower()
    elif value is not None:
        yield str(value).casefold()


def _not_understood(why: str) -> ProblemError:
    return bad_request(f"The emulator does not understand this filter: {why}.")
