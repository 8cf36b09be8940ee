"""The pictures of docs/architecture.md are those of the code; all guides name the same files."""

import re
from xml.etree import ElementTree

import pytest

from ops.pictures.__main__ import FOLDER, PICTURES
from ops.pictures.order import ROOT, WAY
from ops.pictures.processes import tasks_of
from ops.pictures.states import changes
from orders.domain import Status
from orders.task_names import PULSES

EIGHT = [step.file for steps in WAY.values() for step in steps if step.read]
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
