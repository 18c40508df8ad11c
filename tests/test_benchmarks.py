"""The benchmarks run and write what they say; how fast anything is, is not asked here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_one_command_measures_everything(tmp_path: Path) -> None:
    results, chart = tmp_path / "results.json", tmp_path / "chart.svg"
    options = ["--rounds", "1", "--calls", "20", "--json", str(results), "--chart", str(chart)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(results.read_text())
    names = [setting["name"] for setting in report["settings"]]
    assert "async, 64 in flight" in names
    assert "sync, 1 thread, server takes 20 ms" in names
    for setting in report["settings"]:
        assert setting["name"] in done.stdout
        assert all(result["ratio"] > 0 for result in setting["contenders"].values())
    assert [setting["workers"] for setting in report["growth"]] == [16, 64, 256, 1024]
    assert report["structuring"]["ratio"] > 0
    assert report["memory"]["ratio"] > 0
    assert report["imports"]["ratio"] > 0
    said = "".join(ElementTree.parse(chart).getroot().itertext())
    assert report["date"][:10] in said
    assert f"{report['cpu_count']} cores" in said
