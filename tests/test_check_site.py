"""scripts/check_site.py finds everything that a built page would load from elsewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .documents import ROOT


def check(site: Path) -> subprocess.CompletedProcess[str]:
    script = ROOT / "scripts" / "check_site.py"
    command = [sys.executable, str(script), str(site)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize(
    "loading",
    [
        '<script src="https://cdn.example/a.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/css">',
        '<link rel="preconnect" href="https://fonts.example">',
        '<img srcset="a.png 1x, https://img.example/b.png 2x">',
        "<style>@font-face { src: url(https://fonts.example/a.woff) }</style>",
        "<p style=\"background: url('//img.example/a.png')\">",
    ],
)
def test_a_page_that_loads_from_elsewhere_fails(loading: str, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(f"<html>{loading}</html>")
    done = check(tmp_path)
    assert done.returncode == 1
    assert ".example" in done.stderr


def test_a_style_sheet_that_loads_from_elsewhere_fails(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<html></html>")
    (tmp_path / "a.css").write_text('@import "https://cdn.example/b.css";')
    assert check(tmp_path).returncode == 1


def test_links_to_other_sites_and_local_files_pass(tmp_path: Path) -> None:
    page = '<a href="https://example.com">x</a><link rel="canonical" href="https://example.com">'
    (tmp_path / "index.html").write_text(
        page + '<img src="images/a.png"><script src="a.js"></script>'
    )
    done = check(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_folder_without_a_site_fails(tmp_path: Path) -> None:
    assert check(tmp_path).returncode == 2
