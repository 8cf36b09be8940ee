"""The guides to the code are those of the code: pictures, files on the way, rooms, layers."""

import re
import tomllib
from xml.etree import ElementTree

import pytest

from ops.pictures.__main__ import FOLDER, PICTURES
from ops.pictures.order import ROOT, WAY
from ops.pictures.processes import tasks_of
from ops.pictures.states import changes
from orders.domain import Status
from orders.task_names import PULSES

EIGHT = [step.file for steps in WAY.values() for step in steps if step.read]
TOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
PARTS = TOOLS["importlinter"]["root_packages"]
GUIDES = ("docs/architecture.md", "docs/developing.md", "CONTRIBUTING.md")


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_up_to_date(name: str) -> None:
    drawn = PICTURES[name]()
    assert (FOLDER / name).read_text() == drawn, "draw it anew: make pictures"
    ElementTree.fromstring(drawn)


def test_every_picture_is_shown() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    assert re.findall(r"\(pictures/([\w.]+)\)", text) == list(PICTURES)


@pytest.mark.parametrize("guide", GUIDES)
def test_every_guide_names_the_same_eight_files_in_the_same_order(guide: str) -> None:
    named = re.findall(r"`([\w/]+\.\w+)`", (ROOT / guide).read_text())
    assert len(EIGHT) == 8
    assert EIGHT in [named[at : at + 8] for at in range(len(named))]


def test_every_status_and_change_is_in_the_picture() -> None:
    text = PICTURES["states.svg"]()
    assert [status for status in Status if f">{status.value}<" not in text] == []
    assert [name for name in changes() if f">{name}<" not in text] == []


def test_every_worker_shows_its_tasks() -> None:
    text = PICTURES["processes.svg"]()
    tasks = [task for queue in PULSES for task in tasks_of(queue)]
    assert len(tasks) >= 10
    assert [task for task in tasks if f">{task}<" not in text] == []


def test_every_room_is_described() -> None:
    rooms = {
        f"{init.parent.relative_to(ROOT)}/"
        for part in PARTS
        for init in (ROOT / part).glob("*/__init__.py")
        if part != "bench" and init.parent.name not in ("migrations", "management", "formats")
    }
    text = (ROOT / "docs/architecture.md").read_text()
    assert len(rooms) > 15
    assert sorted(rooms - set(re.findall(r"^\| `([\w/]+)` \|", text, re.MULTILINE))) == []


def test_the_layers_are_described_as_they_are_held() -> None:
    text = " ".join((ROOT / "CONTRIBUTING.md").read_text().split())
    [layers] = [
        contract["layers"]
        for contract in TOOLS["importlinter"]["contracts"]
        if contract["name"].startswith("Inside orders")
    ]
    assert f"`{' → '.join(layers).replace('orders.', '')}`" in text


def test_every_part_is_looked_through_by_every_tool() -> None:
    parts = {init.parent.name for init in ROOT.glob("*/__init__.py")} - {"tests"}
    assert parts == set(PARTS) == set(TOOLS["mypy"]["packages"])
    assert parts <= set(TOOLS["vulture"]["paths"])
