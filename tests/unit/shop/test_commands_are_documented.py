"""docs/commands.md has every command, and no document names one that there is not."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[3]
APPS = ("inventory", "orders", "console")
OURS = sorted(name for name, app in get_commands().items() if app in APPS)
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
REFERENCE = (ROOT / "docs" / "commands.md").read_text()


def sections() -> dict[str, str]:
    """The text of docs/commands.md by the commands that its headings name."""
    parts = re.split(r"^### (.+)$", REFERENCE, flags=re.MULTILINE)[1:]
    named = zip(parts[::2], parts[1::2], strict=True)
    return {name: text for names, text in named for name in names.split(", ")}


@pytest.mark.parametrize("command", OURS)
def test_every_command_has_an_example(command: str) -> None:
    assert f"manage.py {command}" in sections()[command]


def test_there_is_no_section_without_a_command() -> None:
    assert sorted(sections()) == OURS


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_that_a_document_names_exists(document: Path) -> None:
    named = set(re.findall(r"manage\.py ([a-z]\w+)", document.read_text()))
    assert named <= set(get_commands())
