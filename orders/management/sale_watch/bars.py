"""Bars and sparklines of characters, distinct by their shapes, also without colours."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

from inventory.management.units import SkuStock

SHADES = {"sold": "green", "held": "yellow", "in flight": "cyan", "available": "bright_black"}
_BLOCKS, _LETTERS = "█▓▒░", "#=+."
_HEIGHTS, _DOTS = "▁▂▃▄▅▆▇█", ".:-=+*%#"
_LEAST_BAR = 8


def marks(*, ascii_only: bool) -> dict[str, str]:
    """Return the character that stands for units in each state."""
    return dict(zip(SHADES, _LETTERS if ascii_only else _BLOCKS, strict=True))


@dataclass(frozen=True, slots=True)
class Bar:
    """A SKU's units, as wide as there is room: gone units on the left, unknown ones blank.

    A state with any units has at least one character.
    """

    sku: SkuStock

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        sku, width = self.sku, options.max_width
        units = (sku.sold, sku.held, sku.in_flight or 0, sku.available or 0)
        shapes = marks(ascii_only=options.ascii_only).items()
        text = Text(no_wrap=True, overflow="crop")
        for (state, mark), cells in zip(shapes, _shares(units, sku.allocated, width), strict=True):
            text.append(mark * cells, SHADES[state])
        yield text

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(_LEAST_BAR, options.max_width)


@dataclass(frozen=True, slots=True)
class Sparkline:
    """The latest counts that there is room for; the highest of them is as high as can be."""

    counts: Sequence[int]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        shown = self.counts[-options.max_width :]
        heights = _DOTS if options.ascii_only else _HEIGHTS
        top = max(shown, default=0)
        line = (heights[ceil(n * len(heights) / top) - 1] if n else " " for n in shown)
        yield Text("".join(line), "green", no_wrap=True)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, len(self.counts))


def _shares(units: Sequence[int], whole: int, width: int) -> list[int]:
    """Return how many of `width` characters each share gets: by its part, and one at least."""
    cells = [max(1, round(count * width / max(whole, 1))) if count else 0 for count in units]
    while sum(cells) > width and max(cells) > 1:
        cells[cells.index(max(cells))] -= 1
    return cells
