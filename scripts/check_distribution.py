"""Checks that a wheel and an sdist have every file of the repository that belongs there, no other.

`python scripts/check_distribution.py FOLDER` ends with status 1 and says what is wrong.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("monocloud_async/", "monocloud_sync/")
#: What needs no rule of its own, but must not get lost with a pattern that ignores too much.
NEEDED = (
    "monocloud_async/py.typed",
    "monocloud_sync/py.typed",
    "monocloud_async/emulator/seed.json",
    "monocloud_async/emulator/seed.schema.json",
)
UNPUBLISHED = (".ci/", ".github/")


def repository() -> set[str]:
    """Return the files that git tracks, or is about to."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    names = listed.stdout.decode().split("\0")
    return {name for name in names if name and (ROOT / name).is_file()}


def wheel_mistakes(wheel: Path, tracked: set[str]) -> Iterator[str]:
    names = set(zipfile.ZipFile(wheel).namelist())
    packaged = {name for name in names if ".dist-info/" not in name}
    wanted = {name for name in tracked if name.startswith(PACKAGES)}
    yield from compared(wheel.name, packaged, wanted)
    yield from (f"{wheel.name} lacks {name}" for name in NEEDED if name not in names)
    if not any(name.endswith(".dist-info/licenses/LICENSE") for name in names):
        yield f"{wheel.name} lacks the licence"


def sdist_mistakes(sdist: Path, tracked: set[str]) -> Iterator[str]:
    folder = sdist.name.removesuffix(".tar.gz") + "/"
    with tarfile.open(sdist) as archive:
        names = {member.name.removeprefix(folder) for member in archive if member.isfile()}
    wanted = {name for name in tracked if not name.startswith(UNPUBLISHED)}
    yield from compared(sdist.name, names - {"PKG-INFO"}, wanted)


def compared(archive: str, names: set[str], wanted: set[str]) -> Iterator[str]:
    yield from (f"{archive} lacks {name}" for name in sorted(wanted - names))
    yield from (f"{archive} has {name}, which is not in git" for name in sorted(names - wanted))


def main(folder: Path) -> int:
    wheels, sdists = sorted(folder.glob("*.whl")), sorted(folder.glob("*.tar.gz"))
    if len(wheels) != 1 or len(sdists) != 1:
        print(f"{folder} must have one wheel and one sdist", file=sys.stderr)
        return 1
    tracked = repository()
    mistakes = [*wheel_mistakes(wheels[0], tracked), *sdist_mistakes(sdists[0], tracked)]
    print(*mistakes, sep="\n", end="\n" if mistakes else "", file=sys.stderr)
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
