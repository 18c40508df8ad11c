"""Fail where a built page loads a script, style, font or image from elsewhere."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

_LOADED = {"src", "srcset", "poster", "data"}
# What a browser follows by itself of a <link>; a canonical address, for one, is only text.
_LOADING_LINKS = {"stylesheet", "icon", "preload", "prefetch", "preconnect", "dns-prefetch"}
_IN_CSS = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])(?:https?:)?//[^)"'\s]+""")


class _Loads(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        loaded = [values[name] for name in _LOADED & values.keys()]
        if tag == "link" and _LOADING_LINKS & set(values.get("rel", "").split()):
            loaded.append(values.get("href", ""))
        loaded += _IN_CSS.findall(values.get("style", ""))
        self.found += [address for address in loaded if _is_elsewhere(address)]


def _is_elsewhere(address: str) -> bool:
    return bool(re.search(r"(?:^|[\s,(\"'])(?:https?:)?//", address))


def loads(path: Path) -> list[str]:
    """Return the addresses elsewhere that a page or a style sheet loads from."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".css":
        return _IN_CSS.findall(text)
    parser = _Loads()
    parser.feed(text)
    styles = re.findall(r"<style[^>]*>(.*?)</style>", text, re.DOTALL)
    return parser.found + [found for style in styles for found in _IN_CSS.findall(style)]


def main(site: Path) -> int:
    """Print what each file of the site loads from elsewhere; return the exit code."""
    files = [path for path in sorted(site.rglob("*")) if path.suffix in {".html", ".css", ".svg"}]
    if not any(path.name == "index.html" for path in files):
        sys.stderr.write(f"{site} has no index.html: build the documentation first\n")
        return 2
    found = [(path, address) for path in files for address in loads(path)]
    for path, address in found:
        sys.stderr.write(f"{path}: loads {address}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
