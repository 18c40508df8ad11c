"""The README and the pages of docs/, and their code blocks."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NOT_RUN = "<!-- snippet: not run -->"
# By a reader of the whole page, with what precedes it: see tests/reader.py.
RUN_IN_A_TUTORIAL = "<!-- snippet: run in a tutorial -->"
_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)(?P<options>[^\n]*)\n(?P<code>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A code block; `file` is the file name in its title."""

    page: Path
    line: int
    code: str
    file: str | None
    is_run: bool
    language: str


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str = "python") -> list[Block]:
    return [block for block in all_blocks(page) if block.language == language]


def all_blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [_block(page, text, match) for match in _FENCE.finditer(text)]


def _block(page: Path, text: str, match: re.Match[str]) -> Block:
    before = text[: match.start()]
    title = re.search(r'title="([^"]+)"', match["options"])
    return Block(
        page,
        before.count("\n") + 2,
        textwrap.dedent(match["code"]),
        title and title[1],
        not before.rstrip().endswith((NOT_RUN, RUN_IN_A_TUTORIAL)),
        match["language"],
    )
