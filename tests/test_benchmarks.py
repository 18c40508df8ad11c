"""The benchmarks run and write their figures; the figures themselves are not tested here."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.bodies import BODIES

ROOT = Path(__file__).parent.parent


def run(module: str, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_one_command_measures_everything(tmp_path: Path) -> None:
    results, chart = tmp_path / "results.json", tmp_path / "chart.svg"
    options = ["--rounds", "1", "--calls", "20", "--json", str(results), "--chart", str(chart)]
    output = run("benchmarks", *options)
    report = json.loads(results.read_text())
    names = [setting["name"] for setting in report["settings"]]
    assert "async, 64 in flight" in names
    assert "sync, 1 thread, server takes 20 ms" in names
    for setting in report["settings"]:
        assert setting["name"] in output
        assert all(result["ratio"] > 0 for result in setting["contenders"].values())
    assert [setting["workers"] for setting in report["growth"]] == [16, 64, 256, 1024]
    assert len(report["parsing"]) == len(BODIES)
    for body, figures in report["parsing"].items():
        assert body in output
        assert all(microseconds > 0 for microseconds in figures.values())
    assert report["structuring"]["ratio"] > 0
    assert report["memory"]["ratio"] > 0
    assert report["imports"]["ratio"] > 0
    drawn = "".join(ElementTree.parse(chart).getroot().itertext())
    assert report["date"][:10] in drawn
    assert f"{report['cpu_count']} cores" in drawn


# Another test may have imported the module: runpy warns about that, and runs it anyway.
@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize("module", ["bulk", "exporting", "importing", "journal", "reliability"])
def test_help_of_a_long_benchmark_shows_its_command(
    module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmark", "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(f"benchmarks.{module}", run_name="__main__")
    assert ended.value.code == 0
    assert f"python -m benchmarks.{module}" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.full
def test_the_benchmark_of_many_rows_runs(tmp_path: Path) -> None:
    results = tmp_path / "bulk.json"
    options = ["--rows", "200", "--rounds", "1", "--limited-rows", "60", "--json", str(results)]
    output = run("benchmarks.bulk", *options)
    report = json.loads(results.read_text())
    for group in ("limited", "unlimited"):
        assert len(report[group]) >= 2
        assert all(name in output for name in report[group])


@pytest.mark.slow
@pytest.mark.full
def test_the_benchmark_of_the_journal_runs() -> None:
    output = run("benchmarks.journal", "--rows", "200", "--rounds", "1")
    assert all(way in output for way in ("no journal", "journal and results"))


@pytest.mark.slow
@pytest.mark.full
def test_the_benchmark_of_exports_runs(tmp_path: Path) -> None:
    results = tmp_path / "exporting.json"
    options = ["--users", "250", "--rounds", "1", "--no-more", "--json", str(results)]
    output = run("benchmarks.exporting", *options)
    report = json.loads(results.read_text())
    assert len(report["some"]) == 6
    assert all(name in output for name in report["some"])


def test_the_table_on_the_page_matches_the_chart() -> None:
    _, _, section = (ROOT / "docs" / "speed.md").read_text().partition("# Speed")
    rows = [line for line in section.splitlines() if re.match(r"\| (a?sync),", line)]
    listed = [float(ratio) for row in rows for ratio in re.findall(r"\d+\.\d\d", row)]
    drawn = re.findall(r">(\d+\.\d\d)<", (ROOT / "docs" / "speed.svg").read_text())
    assert sorted(listed) == sorted(map(float, drawn))
    assert len(listed) == 10
