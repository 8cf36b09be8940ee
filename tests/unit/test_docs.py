"""What the documents refer to is there: links, headings, files, commands."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands

from ops import docs_site

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = sorted(
    path for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md") for path in ROOT.glob(pattern)
)
GUIDES = [ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]

_LINK = re.compile(r"\]\(([^)\s]+)(?: \"[^\"]*\")?\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\|(?! ---).+\|$", re.MULTILINE)
_COMMAND = re.compile(r"manage\.py ([a-z_]+)")
_TARGET = re.compile(r"`make ([a-z]+)|^make ([a-z]+)", re.MULTILINE)
_PARTS = "shop|console|orders|inventory|workers|proof|tests|bench|ops|docker|examples"
_FILE = re.compile(rf"`((?:{_PARTS})/(?:\w+/)*(?:\w+\.\w+)?)`")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def slug(heading: str) -> str:
    """The fragment that a heading is found by."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def fragments(document: Path) -> set[str]:
    return {slug(heading) for heading in _HEADING.findall(_FENCE.sub("", document.read_text()))}


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_link_leads_somewhere(document: Path) -> None:
    links = _LINK.findall(_FENCE.sub("", document.read_text()))
    for link in (each for each in links if "://" not in each and not each.startswith("mailto:")):
        target, _, fragment = link.partition("#")
        found = (document.parent / target).resolve() if target else document
        assert found.exists(), link
        assert not fragment or fragment in fragments(found), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_command_that_is_named_exists(document: Path) -> None:
    assert set(_COMMAND.findall(document.read_text())) <= set(get_commands())


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_make_target_that_is_named_exists(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = {one or other for one, other in _TARGET.findall(document.read_text())}
    assert all(f"\n{target}:" in makefile for target in targets), targets


@pytest.mark.parametrize("document", GUIDES, ids=named)
def test_every_file_that_is_named_exists(document: Path) -> None:
    for name in _FILE.findall(document.read_text()):
        assert (ROOT / name).exists(), name


def test_every_decision_is_in_their_list() -> None:
    listed = _LINK.findall((ROOT / "docs/adr/README.md").read_text())
    there = {path.name for path in (ROOT / "docs/adr").glob("*.md")} - {"README.md"}
    assert there == set(listed)


def test_the_site_leads_to_every_document() -> None:
    def pages(entries: Iterable[Any]) -> Iterator[str]:
        for entry in entries:
            for place in entry.values():
                yield from [place] if isinstance(place, str) else pages(place)

    assert sorted(pages(docs_site.navigation())) == sorted(map(str, docs_site.documents()))


@pytest.mark.parametrize(
    ("text", "loads"),
    [
        ('<script src="https://cdn.example/x.js"></script>', ["https://cdn.example/x.js"]),
        ('<link rel="stylesheet" href="//fonts.example/css">', ["//fonts.example/css"]),
        ("<style>@import url(https://fonts.example/a)</style>", ["https://fonts.example/a"]),
        ('<pre class="mermaid"><code>graph', ['pre class="mermaid"']),
        ('<a href="https://rfc.example">read it</a><img src="own.svg">', []),
        ('<link rel="canonical" href="https://docs.example/">', []),
    ],
)
def test_the_site_may_lead_elsewhere_but_loads_nothing_from_there(
    tmp_path: Path, text: str, loads: list[str]
) -> None:
    (tmp_path / "page.html").write_text(text)
    assert [address for _, address in docs_site.from_elsewhere(tmp_path)] == loads


def test_the_glossary_has_each_term_once_and_says_where_it_is() -> None:
    text = (ROOT / "docs/glossary.md").read_text()
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in _ROW.findall(text)]
    terms = [term for names, _, _ in rows for term in names.split(", ") if names != "term"]
    assert len(terms) > 80
    assert [term for term in terms if terms.count(term) > 1] == []
    assert [names for names, _, files in rows if names != "term" and not _FILE.search(files)] == []


def test_the_newest_release_in_the_changelog_is_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    releases = re.findall(
        r"^## (\d\S*) – \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    assert releases[0] == project["version"]


def test_the_index_lists_every_document() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    listed = {link.partition("#")[0] for link in _LINK.findall(index)}
    assert {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"} <= listed
