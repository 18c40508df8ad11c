"""All the ways that tools show values: reprs, dumps, tracebacks with locals, object graphs."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gc
import io
import json
import pickle
import pprint
import reprlib
import traceback
import types
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any

import attrs
import rich
import rich.console
import rich.pretty
import rich.traceback


def of_value(value: object) -> Iterator[str]:
    """Yield everything that tools print of a value that they hold, or of a copy of it."""
    ways: Sequence[Callable[[Any], object]] = (
        *_BY_REPR,
        str,
        lambda it: f"{it} {it!r} {it!s}",
        _inspected,
        vars,
        dict,
        list,
        attrs.asdict,
        json.dumps,
        lambda it: json.dumps(it, default=repr),
        lambda it: json.dumps(it, default=vars),
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        lambda it: vars(copy.copy(it)),
    )
    return _shown(value, ways)


def of_variable(value: object) -> Iterator[str]:
    """Yield how tools print a variable or a member of a container."""
    return _shown(value, _BY_REPR)


def _shown(value: object, ways: Sequence[Callable[[Any], object]]) -> Iterator[str]:
    for way in ways:
        with contextlib.suppress(Exception):
            yield repr(way(value))


def of_error(error: BaseException) -> Iterator[str]:
    """Yield everything that tools print of an error, its causes and contexts, and their frames."""
    for one in chain(error):
        yield from of_value(one)
        yield repr(vars(one))
        yield "".join(
            traceback.TracebackException.from_exception(one, capture_locals=True).format()
        )
        yield from _of_rich_traceback(one)
        for frame, _ in traceback.walk_tb(one.__traceback__):
            for value in frame.f_locals.values():
                yield from of_variable(value)
            yield from _named_on_its_lines(frame)


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and all errors attached to it, including those that are not printed."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]


def reported(value: object, depth: int = 5) -> object:
    """Return a local variable as an error reporting service gets it, with containers opened."""
    if depth and isinstance(value, Mapping):
        return {str(name): reported(one, depth - 1) for name, one in value.items()}
    if depth and isinstance(value, (Sequence, Set)) and not isinstance(value, (str, bytes)):
        return [reported(one, depth - 1) for one in value]
    return repr(value)


def reachable(*roots: object) -> Iterator[object]:
    """Yield every object reachable by the garbage collector, except modules and event loops."""
    seen: set[int] = set()
    waiting = list(roots)
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, _ELSEWHERE):
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, types.FunctionType):
            # Skip its globals, which belong to a module.
            waiting += [one.__closure__, one.__defaults__, one.__kwdefaults__, one.__dict__]
        else:
            waiting += gc.get_referents(one)


_BY_REPR: Sequence[Callable[[Any], object]] = (
    repr,
    pprint.pformat,
    reprlib.repr,
    rich.pretty.pretty_repr,
    lambda it: rich.pretty.pretty_repr(it, max_string=10),
    reported,
)
_ELSEWHERE = (
    types.ModuleType,
    type,
    types.FrameType,
    types.CodeType,
    asyncio.AbstractEventLoop,
)


def _named_on_its_lines(frame: types.FrameType) -> Iterator[str]:
    """Yield the value of every attribute named in a frame's code, as cgitb shows them."""
    for value in list(frame.f_locals.values()):
        for name in frame.f_code.co_names:
            with contextlib.suppress(Exception):
                yield repr(getattr(value, name))


def _inspected(value: object) -> str:
    console = rich.console.Console(file=io.StringIO(), width=500, record=True)
    rich.inspect(value, console=console, all=True, private=True, dunder=True, help=True)
    return console.export_text()


def _of_rich_traceback(error: BaseException) -> Iterator[str]:
    trace = rich.traceback.Traceback.extract(
        type(error),
        error,
        error.__traceback__,
        show_locals=True,
        locals_hide_dunder=False,
        locals_hide_sunder=False,
    )
    for stack in trace.stacks:
        yield stack.exc_value
        for frame in stack.frames:
            for node in (frame.locals or {}).values():
                yield node.render()
