"""The reliability page: the tests that it names exist, and the command that writes it runs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.reliability.page import BEGIN, END, written
from benchmarks.reliability.promises import PROMISES

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reliability.md"


def rows(page: str) -> list[list[str]]:
    """Return the cells of each row of the tables."""
    lines = page.partition(BEGIN)[2].partition(END)[0].splitlines()
    return [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]


@pytest.mark.parametrize("test", sorted({test for promise in PROMISES for test in promise.tests}))
def test_each_test_named_on_the_page_exists(test: str) -> None:
    file, _, name = test.partition("::")
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    parts = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8")).body
    assert name in [part.name for part in parts if isinstance(part, functions)]


def test_the_page_lists_each_promise_and_its_tests() -> None:
    found = {cells[0]: cells[1] for cells in rows(PAGE.read_text(encoding="utf-8"))}
    for promise in PROMISES:
        for test in promise.tests:
            file, _, name = test.partition("::")
            assert f"`{file}` `{name}`" in found[promise.text]


@pytest.mark.slow
@pytest.mark.full
def test_the_command_measures_and_writes_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    command = [sys.executable, "-m", "benchmarks.reliability", "--quick", "--calls", "20"]
    subprocess.run([*command, "--page", str(page)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "\nold\n" not in text
    found = {cells[0]: cells[2:] for cells in rows(text)}
    assert {promise.text for promise in PROMISES} <= found.keys()
    faults, ours, sync, *_ = found[PROMISES[0].text]
    assert (faults, ours, sync) == ("8 faults, 160 calls", *["0 lost, 0 unreported"] * 2)
    by_key = next(cells for text, cells in found.items() if "redirect" in text)
    assert by_key[1:3] == ["0 keys forwarded"] * 2
    # The trials detect real failures: the handwritten client does forward the key.
    assert by_key[4] == "5 keys forwarded"
    assert found["add: connection reset, applied"][0] == "1 in doubt"


def test_a_page_without_a_place_for_figures_is_left_unchanged(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing", encoding="utf-8")
    with pytest.raises(ValueError, match="no place for the figures"):
        written(page, "figures")
    assert page.read_text(encoding="utf-8") == "nothing"
