"""The pins: for each purpose a file, with the same versions in all, and a hash for everything."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = _PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
DOCS = "requirements-docs.txt"  # has nothing of the product: its environment builds pages alone
FILES: dict[str, tuple[str, ...] | None] = {
    "docker/requirements.txt": (),
    "requirements.txt": ("local",),
    "requirements-test.txt": ("local", "test"),
    "requirements-dev.txt": ("local", "lint"),
    "requirements-bench.txt": ("local", "bench"),
    "requirements-audit.txt": ("local", "audit"),
    DOCS: None,
}
PIN = re.compile(
    r"^([\w.-]+)==([^ ;\\]+)(?: ; ([^\\\n]+?))?((?: \\\n    --hash=sha256:\w{64})*)$", re.MULTILINE
)


def pinned(path: str) -> dict[tuple[str, str], tuple[str, str]]:
    """The version and the hashes of each package of a file, by its name and marker."""
    found = PIN.findall((ROOT / path).read_text())
    return {(name, marker): (version, hashes) for name, version, marker, hashes in found}


def name_of(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement.lower(), maxsplit=1)[0]


@pytest.mark.parametrize("path", FILES)
def test_every_package_is_pinned_with_hashes(path: str) -> None:
    pins, text = pinned(path), (ROOT / path).read_text()
    assert len(pins) == len(re.findall(r"^\w", text, re.MULTILINE)) > 10
    assert all(hashes for _, hashes in pins.values())


@pytest.mark.parametrize(("path", "extras"), FILES.items())
def test_a_file_has_what_is_declared_for_its_purpose(
    path: str, extras: tuple[str, ...] | None
) -> None:
    if extras is None:
        declared = _PYPROJECT["dependency-groups"]["docs"]
    else:
        declared = [*PROJECT["dependencies"], *(each for extra in extras for each in EXTRAS[extra])]
    assert {name_of(each) for each in declared} <= {name for name, _ in pinned(path)}


def test_no_two_files_disagree() -> None:
    versions: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for path in FILES:
        for package, version in pinned(path).items():
            versions.setdefault(package, set()).add(version)
    assert {package for package, found in versions.items() if len(found) > 1} == set()


def test_who_starts_the_product_waits_for_no_tool() -> None:
    tools = {
        name_of(each) for extra in ("test", "lint", "bench", "audit") for each in EXTRAS[extra]
    } | {name_of(each) for each in _PYPROJECT["dependency-groups"]["docs"]}
    assert tools.isdisjoint(name for name, _ in pinned("requirements.txt"))


def test_nothing_is_installed_without_its_hash() -> None:
    for path in ("Makefile", "docker/Dockerfile"):
        for line in re.findall(
            r"^.*install.* (?:-r|--requirement) .*$", (ROOT / path).read_text(), re.MULTILINE
        ):
            assert "--require-hashes" in line
