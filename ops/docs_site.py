"""Builds the documents as a site of static pages in `site/`, for `make docs`.

The pages are the documents as they are in the repository, and their order is that of the index,
docs/README.md. They are laid out in a folder of their own first, as in the repository: every link
between them holds in both. The build fails at a link or a heading that is not there, and at a page
that would load anything from elsewhere: the site is read without a network.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "site"
INDEX = "docs/README.md"
DECISIONS = "docs/adr/README.md"

_SECTION = re.compile(r"^## (.+)$\n((?:(?!## ).*\n?)*)", re.MULTILINE)
_ENTRY = re.compile(r"^(?:-|\d+\.) \[([^\]]+)\]\(([^)#]+)\)", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#\s]+)[^)\s]*\)")
# Resources that a browser fetches by itself, unlike links that a reader may follow.
_LOADED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\ssrc=["']?(?P<src>(?:https?:)?//[^"'\s>]+)"""
    r"""|<link\b(?![^>]*rel=["']?canonical)[^>]*\shref=["']?(?P<link>(?:https?:)?//[^"'\s>]+)"""
    r"""|<(?P<drawn>pre class="mermaid")"""  # the theme's script fetches what draws it
    r"""|(?:@import\s+(?:url\()?|url\()["']?(?P<css>(?:https?:)?//[^"')\s]+)"""
)


def main() -> int:
    """Build the site. Returns the exit code: 0 built, 1 something in the documents is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        lay_out(Path(folder, "documents"))
        settings = Path(folder, "mkdocs.yml")
        settings.write_text(json.dumps(configuration(), indent=1))  # JSON is YAML, too
        program = Path(sys.executable).parent / "zensical"
        command = [program, "build", "--strict", "--clean", "--config-file", settings]
        if subprocess.run(command, check=False).returncode:
            return 1
        shutil.rmtree(SITE, ignore_errors=True)
        shutil.move(Path(folder, "site"), SITE)
    loaded = sorted(set(from_elsewhere(SITE)))
    for page, address in loaded:
        print(f"{page} loads {address}", file=sys.stderr)
    return int(bool(loaded))


def documents() -> list[Path]:
    """Return every document, relative to the repository."""
    patterns = ("*.md", "docs/**/*.md", "examples/**/*.md")
    return sorted(path.relative_to(ROOT) for each in patterns for path in ROOT.glob(each))


def lay_out(folder: Path) -> None:
    """Copy the documents to `folder`, and the files of the repository that they link to."""
    for document in documents():
        for path in (document, *_linked_files(document)):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, folder / path)


def _linked_files(document: Path) -> Iterator[Path]:
    for link in _LINK.findall((ROOT / document).read_text()):
        path = (ROOT / document.parent / link).resolve()
        if "://" not in link and path.is_file() and path.is_relative_to(ROOT):
            yield path.relative_to(ROOT)


def configuration() -> dict[str, Any]:
    """Return the settings of the site, in the form that Zensical shares with MkDocs."""
    return {
        "site_name": "Flash sale orders",
        "docs_dir": "documents",
        "site_dir": "site",
        "use_directory_urls": False,  # so that it can be read from the disk; search wants a server
        "plugins": ["search"],
        "theme": {
            "name": "material",
            "font": False,  # the reader's own
            "features": ["navigation.sections", "navigation.top", "search.highlight", "toc.follow"],
            "palette": [
                _palette("light", "default", "dark", "material/weather-night"),
                _palette("dark", "slate", "light", "material/weather-sunny"),
            ],
        },
        "nav": navigation(),
    }


def _palette(mode: str, scheme: str, other: str, icon: str) -> dict[str, Any]:
    toggle = {"icon": icon, "name": f"Switch to {other} mode"}
    return {"media": f"(prefers-color-scheme: {mode})", "scheme": scheme, "toggle": toggle}


def navigation() -> list[dict[str, Any]]:
    """Return the sections of the index with their documents, and the decisions one by one."""
    sections = _SECTION.findall((ROOT / INDEX).read_text())
    pages = [{name: [*_entries(INDEX, entries)]} for name, entries in sections]
    return [*pages, {"All documents": INDEX}]


def _entries(document: str, text: str) -> Iterator[dict[str, str]]:
    folder = (ROOT / document).parent
    for title, link in _ENTRY.findall(text):
        path = (folder / link).resolve().relative_to(ROOT).as_posix()
        yield {title: path}
        if path == DECISIONS:
            yield from _entries(DECISIONS, (ROOT / DECISIONS).read_text())


def from_elsewhere(site: Path) -> Iterator[tuple[str, str]]:
    """Yield each page or style sheet that would load a file of another host, with its address."""
    for path in site.rglob("*"):
        if path.suffix in (".html", ".css"):
            for found in _LOADED.finditer(path.read_text()):
                yield path.relative_to(site).as_posix(), str(found[found.lastgroup or 0])


if __name__ == "__main__":
    sys.exit(main())
