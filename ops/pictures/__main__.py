"""Draws the pictures of docs/architecture.md into docs/pictures/, for `make pictures`."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

import shop  # noqa: F401 - before its parts, which import each other

from . import order, processes, states

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
PICTURES: Mapping[str, Callable[[], str]] = {
    "processes.svg": processes.draw,
    "order.svg": order.draw,
    "states.svg": states.draw,
}


def main() -> None:
    """Draw all of them."""
    FOLDER.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        (FOLDER / name).write_text(draw())
        print(f"docs/pictures/{name}")


if __name__ == "__main__":
    main()
