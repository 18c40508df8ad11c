"""The example notebook, run cell by cell in a kernel."""

from __future__ import annotations

import json
import re
from pathlib import Path

from monocloud_sync.emulator import USER_ID, Emulator

from .programs import KEY, ROOT, posix
from .test_host_notebook import kernel

pytestmark = posix
NOTEBOOK = json.loads((ROOT / "examples/notebook/users.ipynb").read_text())
CELLS = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def test_the_notebook_has_no_outputs() -> None:
    assert CELLS
    for cell in CELLS:
        assert (cell["outputs"], cell["execution_count"]) == ([], None)


def test_the_notebook_runs_and_changes_the_tenant(tmp_path: Path) -> None:
    with Emulator(api_key=KEY) as emulator:
        newest, other = "k3VdPq7tYwLmZ0xHs9BnA", USER_ID
        with kernel(tmp_path, emulator.url) as notebook:
            outputs = [notebook.run("".join(cell["source"])) for cell in CELLS]
        assert outputs[0] == outputs[5] == ""
        assert outputs[1] == f"stdout: {newest} Bob Example\n{other} Ada Example\n"
        assert outputs[2] == "stdout: +12025550123\n"
        assert outputs[3].splitlines()[:2] == [f"stdout: {newest} disabled", f"{other} disabled"]
        assert outputs[3].splitlines()[2].startswith("nobody users.disable: 404 ")
        assert outputs[4] == "stdout: 2 done, 1 failed\n"
        assert all(user["disabled"] for user in emulator.export())
        assert emulator.executions_of("users.disable") == 2
        assert emulator.executions_of("phones.set_primary") == 1


def test_the_page_about_notebooks_shows_the_notebook() -> None:
    code = "".join(line for cell in CELLS for line in [*cell["source"], "\n"])
    page = (ROOT / "docs/how-to/notebooks.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        for line in block.splitlines():
            assert line in code.splitlines()
