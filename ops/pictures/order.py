"""An order's way through the code: the files that it passes, in this order."""

from pathlib import Path
from typing import NamedTuple

from .drawing import Box, Picture

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 860
_STEP, _GAP = 50, 16


class Step(NamedTuple):
    """One file on the way; `read`: it is one of the eight that a newcomer reads."""

    file: str
    does: str
    read: bool = True


# Where it happens, and the steps there. The eight are also listed in docs/architecture.md,
# docs/developing.md and CONTRIBUTING.md; a test holds that all have the same.
WAY = {
    "web process": (
        Step(
            "orders/intake/short_way.py",
            "the short way: from the parser to the intake, without a task",
            False,
        ),
        Step("orders/intake/placing.py", "from headers and body to a reply"),
        Step(
            "orders/intake/admission.py",
            "the client, the body, the sale: checked against the reference cache",
        ),
        Step("orders/intake/batcher.py", "orders that arrive during one call are the next batch"),
        Step(
            "orders/intake/reserving.py",
            "one script call for a batch, on a server compared with the ledger",
        ),
    ),
    "Redis": (
        Step(
            "inventory/lua/reserve.lua",
            "all checks, then all changes: stock, request record, outbox",
        ),
    ),
    "Celery worker, after the 202": (
        Step("workers/tasks.py", "the doorbell rings: a hint that there is work", False),
        Step(
            "orders/persistence/drain.py",
            "batch by batch: each entry becomes an order or a dead letter",
        ),
        Step(
            "orders/persistence/persist.py",
            "one transaction: orders, lines, movements, events, stock rows",
        ),
    ),
    "from here on, in any process": (
        Step("orders/lifecycle.py", "every change of status, as a table"),
        Step("orders/services/transitions.py", "the one place that makes a change", False),
        Step(
            "orders/notifications/webhook/deliver.py",
            "each event to each endpoint, signed, in sequence",
            False,
        ),
    ),
}


def draw() -> str:
    """Return the picture: the steps below one another, framed by where they happen."""
    rows = sum(len(steps) for steps in WAY.values())
    height = 20 + rows * (_STEP + _GAP) + len(WAY) * 38
    picture = Picture("The way of an order", WIDTH, height)
    y, last, number = 12.0, None, 0
    for where, steps in WAY.items():
        picture.frame(12, y, WIDTH - 24, len(steps) * (_STEP + _GAP) + 22, where)
        y += 28
        for step in steps:
            number += step.read
            box = _box(step, y, number)
            if last:
                picture.connect(last, box)
            picture.box(box)
            last, y = box, y + _STEP + _GAP
        y += 10
    return picture.svg()


def _box(step: Step, y: float, number: int) -> Box:
    assert (ROOT / step.file).is_file(), step.file
    name = f"{number}  {step.file}" if step.read else step.file
    return Box(150, y, 560, _STEP, name, [step.does], "store" if step.read else "plain", file=True)
