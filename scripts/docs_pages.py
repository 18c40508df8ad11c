"""Pages that MkDocs makes while it builds: the changelog, contributing, and each command's help."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from mkdocs.structure.files import File, Files

_ROOT = Path(__file__).parents[1]
_OF_THE_REPOSITORY = {"changelog.md": "CHANGELOG.md", "contributing.md": "CONTRIBUTING.md"}


def on_files(files: Files, config: Any) -> Files:
    """Add the generated pages to those of docs/."""
    for page, source in _OF_THE_REPOSITORY.items():
        text = (_ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=_from_within_docs(text)))
    files.append(File.generated(config, "reference/command-line.md", content=_command_line()))
    return files


def _from_within_docs(text: str) -> str:
    """Make links of the repository's root those of docs/; other files become plain text."""
    text = re.sub(r"\]\(docs/([^)]+)\)", r"](\1)", text)
    for page, source in _OF_THE_REPOSITORY.items():
        text = text.replace(f"]({source})", f"]({page})")
    return re.sub(r"\[([^\]]+)\]\((?![a-z]+:|#|[a-z/-]+\.md)[^)]+\)", r"\1", text)


def _command_line() -> str:
    from monocloud_async.cli.app import app

    root = typer.main.get_command(app)
    context = root.context_class(root, info_name="monocloud")
    return "# Command line\n\n" + "\n".join(_sections(root, context))


def _sections(command: Any, context: Any) -> Iterator[str]:
    if context.parent is not None and not hasattr(command, "commands"):
        yield f"## {context.command_path}\n\n```text\n{_help(command, context)}\n```\n"
    for name in getattr(command, "list_commands", lambda _: [])(context):
        below = command.get_command(context, name)
        if not below.hidden:
            yield from _sections(below, below.context_class(below, info_name=name, parent=context))


def _help(command: Any, context: Any) -> str:
    """Return a command's help as plain text, whatever the terminal."""
    formatter = context.make_formatter()
    formatter.width = 90
    command.format_usage(context, formatter)
    formatter.write_paragraph()
    formatter.write_text(re.sub(r"\s+", " ", command.help or ""))
    rows = [row for part in command.get_params(context) if (row := part.get_help_record(context))]
    if rows:
        with formatter.section("Arguments and options"):
            formatter.write_dl(rows)
    return str(formatter.getvalue()).strip()
