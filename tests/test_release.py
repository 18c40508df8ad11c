"""Releases: the script that makes them, the workflow, and the page on the package index."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SOURCE = PYPROJECT["project"]["urls"]["Source"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
DATED = "## [Unreleased]\n\n## [1.2.3] - 2026-01-31\n\n- A change.\n"
UNRELEASED = DATED.replace("\n\n", "\n\n### Added\n\n- Another.\n\n", 1)

needs_git = pytest.mark.skipif(
    os.name != "posix" or not shutil.which("git"), reason="the script needs bash and git"
)


class Project:
    """A repository whose release script exits with 42 where it would make the environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "scripts", folder / "scripts")
        with (folder / "scripts" / "venv").open("a") as file:
            file.write("\nmake_venv() { exit 42; }\n")
        (folder / "monocloud_async").mkdir()
        (folder / "monocloud_async" / "_version.py").write_text(
            '"""It."""\n\n__version__ = "1.2.3"\n'
        )
        (folder / "CHANGELOG.md").write_text(DATED)
        self.git("init", "--quiet")
        self.commit()

    def git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=Someone", "-c", "user.email=someone@example.com")
        subprocess.run(
            ["git", *identity, *arguments], cwd=self.folder, check=True, env=environment()
        )

    def revision(self, name: str) -> str:
        command = ["git", "rev-parse", name]
        return subprocess.check_output(command, cwd=self.folder, env=environment(), text=True)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "A commit")

    def release(self, *arguments: str, shell: Sequence[str] = ("bash",)) -> tuple[int, str]:
        done = subprocess.run(
            [*shell, "scripts/release", *arguments],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


def environment() -> dict[str, str]:
    """Return this process's environment without the Git settings that hooks export."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "a project")


@needs_git
@pytest.mark.parametrize("arguments", [(), ("--tag",), ("--tagged", "v1.2.3")], ids=" ".join)
def test_a_clean_commit_of_one_version_is_built(
    project: Project, arguments: tuple[str, ...]
) -> None:
    assert project.release(*arguments) == (42, "")


@needs_git
@pytest.mark.parametrize("arguments", [(), ("--tag",)], ids=" ".join)
def test_a_version_missing_from_the_changelog_is_refused(
    project: Project, arguments: tuple[str, ...]
) -> None:
    (project.folder / "CHANGELOG.md").write_text(DATED.replace("1.2.3", "1.2.2"))
    project.commit()
    status, output = project.release(*arguments)
    assert status == 1
    assert "_version.py says 1.2.3, and CHANGELOG.md says\n1.2.2" in output


@needs_git
def test_a_tag_for_another_version_is_refused(project: Project) -> None:
    status, output = project.release("--tagged", "v1.2.4")
    assert (status, "Tag the commit as v1.2.3" in output) == (1, True)


@needs_git
def test_uncommitted_changes_are_built_but_not_tagged(project: Project) -> None:
    (project.folder / "new.txt").touch()
    assert project.release() == (42, "")
    status, output = project.release("--tag")
    assert status == 1
    assert "Commit these changes first" in output
    assert "?? new.txt" in output


@needs_git
@pytest.mark.parametrize(
    ("changelog", "complaint"),
    [
        (UNRELEASED, "has entries under [Unreleased]"),
        # More than a pipe holds.
        (UNRELEASED.replace("- Another.", "- Another.\n" * 20_000), "has entries under"),
        (DATED.replace(" - 2026-01-31", ""), "has no date for 1.2.3"),
    ],
    ids=["unreleased entries", "many of them", "no date"],
)
def test_an_unfinished_changelog_is_not_tagged(
    changelog: str, complaint: str, project: Project
) -> None:
    (project.folder / "CHANGELOG.md").write_text(changelog)
    project.commit()
    assert project.release() == (42, "")
    status, output = project.release("--tag")
    assert (status, complaint in output) == (1, True)


@needs_git
def test_a_version_is_tagged_only_once(project: Project) -> None:
    project.git("tag", "v1.2.3")
    status, output = project.release("--tag")
    assert (status, "The tag v1.2.3 exists" in output) == (1, True)


# In the place of the environment's Python: builds, and commits something meanwhile.
PYTHON = """#!/usr/bin/env bash
case "$*" in
    "-m build --outdir dist")
        mkdir dist && touch dist/a.whl
        git commit -q --allow-empty -m "Meanwhile" ;;
    "-m build --wheel --outdir "*) touch "$5/a.whl" ;;
    "-m venv "*)
        mkdir -p "$3/bin" && cp "$0" "$3/bin/python"
        printf '#!/bin/sh\\necho 1.2.3' >"$3/bin/monocloud" && chmod +x "$3/bin/monocloud" ;;
esac
"""


@needs_git
def test_the_tag_is_of_the_commit_that_was_checked(project: Project) -> None:
    python = project.folder.parent / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON)
    python.chmod(0o755)
    with (project.folder / "scripts" / "venv").open("a") as file:
        file.write(f"\nmake_venv() {{ VENV='{python.parents[1]}'; }}\n")
    project.git("config", "user.name", "Someone")
    project.git("config", "user.email", "someone@example.com")
    project.commit()
    checked = project.revision("HEAD")
    status, said = project.release("--tag")
    assert (status, "Tagged v1.2.3" in said) == (0, True)
    assert project.revision("v1.2.3^{commit}") == checked != project.revision("HEAD")


@needs_git
def test_an_unknown_option_shows_the_usage(project: Project) -> None:
    status, output = project.release("--publish")
    assert (status, output.partition("\n")[0]) == (
        1,
        "Usage: scripts/release [--tag | --tagged NAME]",
    )


def test_the_changelog_links_each_version() -> None:
    headings = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", CHANGELOG, re.MULTILINE)
    versions = [name for name, _ in headings]
    assert versions[0] == "Unreleased"
    assert all(date for _, date in headings[1:])
    links = dict(re.findall(r"^\[(.+?)\]: (\S+)$", CHANGELOG, re.MULTILINE))
    assert list(links) == versions
    assert links["Unreleased"] == f"{SOURCE}/compare/v{versions[1]}...HEAD"
    assert links[versions[-1]] == f"{SOURCE}/releases/tag/v{versions[-1]}"
    for newer, older in pairwise(versions[1:]):
        assert links[newer] == f"{SOURCE}/compare/v{older}...v{newer}"


def test_the_changelog_uses_the_headings_of_keep_a_changelog() -> None:
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)$", CHANGELOG, re.MULTILINE)) <= kinds


def published(text: str) -> str:
    """Return a README as the package index gets it."""
    hook = PYPROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    for each in hook["substitutions"]:
        text = re.sub(each["pattern"], each["replacement"], text)
    return text.replace("$HFPR_VERSION", "1.2.3")


@pytest.mark.parametrize(
    ("readme", "shown"),
    [
        ("[a\nguide](docs/a.md#b)", "[a\nguide]({S}/blob/v1.2.3/docs/a.md#b)"),
        ("[the examples](examples/)", "[the examples]({S}/blob/v1.2.3/examples/)"),
        ("[MIT](LICENSE)", "[MIT]({S}/blob/v1.2.3/LICENSE)"),
        ('<a href="docs/a.md">', '<a href="{S}/blob/v1.2.3/docs/a.md">'),
        ("x\n[a]: docs/a.md\n", "x\n[a]: {S}/blob/v1.2.3/docs/a.md\n"),
        ("![An image](docs/a.svg)", "![An image]({S}/raw/v1.2.3/docs/a.svg)"),
        ('<img alt="It" src="docs/a.png">', '<img alt="It" src="{S}/raw/v1.2.3/docs/a.png">'),
        ("[here](#here)", "[here](#here)"),
        ("[there](https://example.com/a.md)", "[there](https://example.com/a.md)"),
        ("[us](mailto:us@example.com)", "[us](mailto:us@example.com)"),
        ("handlers[name](request)", "handlers[name](request)"),
    ],
)
def test_relative_links_in_the_readme_become_absolute_on_the_index(readme: str, shown: str) -> None:
    assert published(readme) == shown.replace("{S}", SOURCE)


def test_every_file_linked_from_the_readme_exists() -> None:
    readme = published((ROOT / "README.md").read_text())
    for path in re.findall(rf"{SOURCE}/(?:blob|raw)/v1\.2\.3/([^)\"#\s]+)", readme):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("path", sorted(ROOT.glob("*.md")), ids=lambda path: path.name)
def test_links_between_files_resolve(path: Path) -> None:
    prose = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target, anchor in re.findall(r"\]\((?![a-z]+:)([^)#\s]*)#?([^)\s]*)\)", prose):
        linked = path.parent / target if target else path
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", text).lower().replace(" ", "-") for text in headings}
            assert anchor in slugs, f"{target}#{anchor}"


def texts() -> Iterator[Path]:
    """Yield the files that may name the repository."""
    for folder, folders, names in os.walk(ROOT):
        kept = {".github"} | {name for name in folders if not name.startswith(".")}
        folders[:] = [name for name in folders if name in kept - {"dist", "build", "site"}]
        for name in names:
            if name.endswith((".md", ".yml", ".yaml", ".toml", ".py", ".html")):
                yield Path(folder, name)


def test_the_repository_has_one_address() -> None:
    owner = SOURCE.rpartition("/")[0]
    for path in texts():
        for found in re.findall(rf"{owner}/[\w.-]+", path.read_text(errors="replace")):
            assert found.rstrip(".") == SOURCE, path


@pytest.fixture(params=["ci.yml", "release.yml"])
def workflow(request: pytest.FixtureRequest) -> dict[str, Any]:
    yaml = pytest.importorskip("yaml")
    path = ROOT / ".github" / "workflows" / request.param
    if not path.exists():
        pytest.skip("an sdist has no workflows")
    # BaseLoader, because the other loaders read the key `on` as a boolean.
    return yaml.load(path.read_text(), yaml.BaseLoader)


def test_a_workflow_has_only_the_permissions_it_needs(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        wanted = {"id-token": "write"} if name == "publish" else {"contents": "read"}
        assert job["permissions"] == wanted
        assert job["timeout-minutes"]
        for step in job["steps"]:
            assert "secrets." not in str(step)
            assert re.fullmatch(r"[\w/.-]+@[0-9a-f]{40}", step.get("uses", "a/b@" + "0" * 40))
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] == "false"


@pytest.mark.parametrize("workflow", ["release.yml"], indirect=True)
def test_only_a_tag_publishes_and_only_after_the_build(workflow: dict[str, Any]) -> None:
    assert workflow["on"] == {"push": {"tags": ["v*"]}}
    build, publish = workflow["jobs"]["build"], workflow["jobs"]["publish"]
    assert any("scripts/release --tagged" in step.get("run", "") for step in build["steps"])
    assert (publish["needs"], publish["environment"]) == ("build", "pypi")
    assert not any("run" in step or "password" in str(step) for step in publish["steps"])


@pytest.mark.parametrize("workflow", ["ci.yml"], indirect=True)
def test_the_checks_run_on_each_supported_python(workflow: dict[str, Any]) -> None:
    prefix = "Programming Language :: Python :: 3."
    supported = {
        name.removeprefix(prefix[:-2])
        for name in PYPROJECT["project"]["classifiers"]
        if name.startswith(prefix)
    }
    steps = workflow["jobs"]["check"]["steps"]
    versions = next(step["with"]["python-version"] for step in steps if "python" in str(step))
    assert set(versions.split()) == supported
    assert any(step.get("run") == "bash .ci/run" for step in steps)


@pytest.mark.parametrize("name", ["bug_report.yml", "feature_request.yml"])
def test_an_issue_form_has_unique_labelled_fields(name: str) -> None:
    yaml = pytest.importorskip("yaml")
    path = ROOT / ".github" / "ISSUE_TEMPLATE" / name
    if not path.exists():
        pytest.skip("an sdist has no forms")
    form = yaml.safe_load(path.read_text())
    assert form["name"]
    assert form["description"]
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields)
    assert all(field["attributes"]["label"] for field in fields)
