"""Pages load our own files, and those that a package promises; files of others are unchanged."""

import re
from hashlib import sha256
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

ROOT = Path(__file__).resolve().parents[2]
APPS = ("shop", "inventory", "orders")
# Paths that a package documents: they may be relied on.
PUBLIC = ("drf_spectacular_sidecar/swagger-ui-dist/",)
NAMED = re.compile(r"""static [\"']([^\"']+)[\"']|static\([\"']([^\"']+)[\"']\)""")
IMPORTED = re.compile(r"""(?:from|import) [\"'](\.[^\"']+)[\"']""")
GLOBALS = re.compile(r"\bwindow\.([A-Z]\w*|[a-z]+[A-Z]\w*)")


def sources(*suffixes: str) -> list[Path]:
    paths = (path for app in APPS for path in (ROOT / app).rglob("*"))
    return [path for path in paths if path.suffix in suffixes and ".min." not in path.name]


NAMES = sorted(
    {
        "".join(found)
        for path in sources(".html", ".py")
        for found in NAMED.findall(path.read_text(encoding="utf-8"))
    }
)


@pytest.mark.parametrize("name", NAMES)
def test_a_static_file_that_a_page_names_is_our_own_or_promised_by_its_package(name: str) -> None:
    path = finders.find(name)
    assert path, f"{name} does not exist"
    assert (
        Path(path).is_relative_to(ROOT / "shop")
        or Path(path).is_relative_to(ROOT / "orders")
        or name.startswith(PUBLIC)
    )


def test_a_module_imports_files_that_are_there() -> None:
    for path in sources(".js"):
        for name in IMPORTED.findall(path.read_text(encoding="utf-8")):
            assert (path.parent / name).is_file(), f"{path.name} imports {name}"


def test_scripts_use_nothing_that_the_theme_happens_to_load() -> None:
    used = {name for path in sources(".js") for name in GLOBALS.findall(path.read_text("utf-8"))}
    assert used.isdisjoint({"Chart", "Alpine", "htmx", "SimpleBar"})


def test_files_of_others_are_unchanged_and_have_their_licence_beside_them() -> None:
    folder = ROOT / "console" / "static" / "console" / "uplot"
    notice = (ROOT / "NOTICE").read_text()
    for path in folder.iterdir():
        assert f"sha256 {sha256(path.read_bytes()).hexdigest()}  {path.name}" in notice
    assert "MIT" in (folder / "LICENSE").read_text()
