"""A command's parameters, generated from a method's signature and docstring."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer

from .._arguments import KEEP
from ..errors import ConfigurationError
from .inputs import STDIN, json_value, secret

Method = Callable[..., Any]
_SECRET = re.compile(r"(old_|new_)?password(_hash)?")
_DESCRIBED = re.compile(r"^ {4}(\w[\w, ]*): (.+(?:\n {8}.+)*)", re.MULTILINE)
_PAGE = re.compile(r"^API: .+\n\S+", re.MULTILINE)
_CLEAR = "clear"


def dashed(name: str) -> str:
    """Return a name as the command line spells it, with dashes."""
    return name.replace("_", "-")


def summary(method: Method) -> str:
    """Return the part of a method's summary that also applies to its command."""
    return re.split("[.:;]", _doc(method), maxsplit=1)[0].replace("\n", " ") + "."


def page(method: Method) -> str:
    """Return the link to the API's documentation, or an empty string."""
    found = _PAGE.search(_doc(method))
    return found[0] if found else ""


def declared(method: Method) -> list[inspect.Parameter]:
    """Return the parameters of the command for a method."""
    hints, helps = get_type_hints(method), _helps(method)
    own = list(inspect.signature(method).parameters.values())[1:]
    shown = [_declared(p, hints.get(p.name, str), helps.get(p.name, _guess(p.name))) for p in own]
    if clearable := [dashed(p.name) for p in own if p.default is KEEP]:
        text = f"Clear this field (repeatable): {', '.join(clearable)}."
        option = typer.Option("--clear", metavar="NAME", help=text)
        shown.append(keyword(_CLEAR, list[str] | None, option, None))
    return shown


def arguments(method: Method, given: dict[str, Any]) -> dict[str, Any]:
    """Convert a command's parameters to the method's arguments.

    Raises:
        ConfigurationError: one of them cannot be read.
    """
    own = list(inspect.signature(method).parameters.values())[1:]
    hints = get_type_hints(method)
    found: dict[str, Any] = {}
    for parameter in own:
        name = parameter.name
        if _SECRET.fullmatch(name):
            if source := _source(parameter, given):
                found[name] = secret(name, source)
        elif (value := given[name]) is not None:
            found[name] = json_value(dashed(name), value) if _is_json(hints.get(name)) else value
    clearable = {p.name for p in own if p.default is KEEP}
    return {**found, **_cleared(given.get(_CLEAR) or (), clearable, found)}


def keyword(name: str, kind: Any, info: Any, default: object) -> inspect.Parameter:
    """Return a parameter in the form that Typer reads from a signature."""
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info]
    )


def _declared(parameter: inspect.Parameter, kind: Any, text: str) -> inspect.Parameter:
    name, default = parameter.name, parameter.default
    if _SECRET.fullmatch(name):
        return _secret_file(parameter, text)
    if _is_json(kind):
        kind = str if default is inspect.Parameter.empty else str | None
        text = f"{text.replace('None', 'null')} JSON, or - to read it from standard input."
    if default is inspect.Parameter.empty:
        return keyword(name, kind, typer.Argument(metavar=name.upper(), help=text), default)
    flag = (f"--{dashed(name)}",) if default is False else ()
    # There are too many sort fields for one line of help; the error message lists them.
    metavar = "FIELD:1|-1" if name == "sort" else None
    option = typer.Option(*flag, metavar=metavar, help=text)
    return keyword(name, kind, option, None if default is KEEP else default)


def _secret_file(parameter: inspect.Parameter, text: str) -> inspect.Parameter:
    text = f"File that holds {text[0].lower()}{text[1:].rstrip('.')}, or - to prompt for it on a "
    text += "terminal (read a line otherwise)"
    text += ". Default: -." if _is_prompted(parameter) else "."
    option = typer.Option(metavar="PATH", help=text)
    return keyword(f"{parameter.name}_file", str | None, option, None)


def _source(parameter: inspect.Parameter, given: Mapping[str, Any]) -> str | None:
    """Return where to read a secret from; None if it is not given."""
    name = parameter.name
    if (path := given[f"{name}_file"]) is not None:
        return str(path)
    hash_file = given.get(f"{name}_hash_file")
    return STDIN if _is_prompted(parameter) and hash_file is None else None


def _is_prompted(parameter: inspect.Parameter) -> bool:
    return parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD


def _is_json(kind: Any) -> bool:
    return any(get_origin(part) is Mapping for part in (kind, *get_args(kind)))


def _cleared(
    wanted: Iterable[str], clearable: set[str], given: Mapping[str, Any]
) -> dict[str, None]:
    cleared = dict.fromkeys(name.replace("-", "_") for name in wanted)
    for name in cleared:
        if name not in clearable:
            raise ConfigurationError(
                f"--clear {name}: this field cannot be cleared; nothing was sent"
            )
        if name in given:
            raise ConfigurationError(
                f"--clear {name}: a value was given as well; nothing was sent: choose one"
            )
    return cleared


def _helps(method: Method) -> dict[str, str]:
    _, _, section = _doc(method).partition("\nArgs:\n")
    return {
        name: f"{text[0].upper()}{text[1:]}".replace("\n        ", " ")
        for names, text in _DESCRIBED.findall(section.split("\n\n")[0])
        for name in names.split(", ")
    }


def _guess(name: str) -> str:
    """Return the help for an argument whose name is self-explanatory."""
    return f"The {name.removesuffix('_id')}'s id." if name.endswith("_id") else ""


def _doc(method: Method) -> str:
    return (inspect.getdoc(method) or "").replace("``", "`")
