"""A reading of a sale as a picture for a terminal, of whatever size it is."""

from collections.abc import Iterator

from rich.console import Console, Group
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from inventory.management.formatting import state_text
from inventory.management.units import SkuStock, in_all

from .bars import SHADES, Bar, marks
from .facts import facts, figure
from .reading import Reading

SHORT = {"sold": "sold", "held": "held", "in flight": "flight", "available": "avail"}
_FIXED_LINES = 14  # everything but the rows of SKUs
_BAR_FROM = 56  # columns: a narrower terminal has the figures alone


def picture(reading: Reading, console: Console) -> Group:
    """Return a reading as it fits on the console."""
    wide = console.width >= _BAR_FROM
    room = max(1, console.height - _FIXED_LINES - len(reading.trouble))
    shapes = marks(ascii_only=console.options.ascii_only)
    return Group(
        _head(reading),
        Rule(characters="-" if console.options.ascii_only else "─", style="dim"),
        *(Text(f"! {trouble}", "bold red") for trouble in reading.trouble),
        _stock(list(_rows(reading.stock, room)), shapes if wide else {}),
        Text(),
        facts(reading),
    )


def _head(reading: Reading) -> Table:
    sale = reading.sale
    name = Text(sale.slug, "bold", overflow="ellipsis", no_wrap=True)
    if sale.name != sale.slug:
        name.append(f"  {sale.name}", "not bold dim")
    head = Table.grid(expand=True, padding=(0, 1))
    head.add_column(ratio=1)
    head.add_column(justify="right", no_wrap=True)
    head.add_row(name, state_text(sale, reading.at))
    return head


def _stock(rows: list[tuple[str, SkuStock]], shapes: dict[str, str]) -> Table:
    """Return a row for each SKU, with a bar where there are `shapes` to draw it of."""
    table = Table.grid(expand=bool(shapes), padding=(0, 2 if shapes else 1, 0, 0))
    table.add_column(no_wrap=True, overflow="ellipsis")
    if shapes:
        table.add_column(ratio=1)
    for _ in SHADES:
        table.add_column(justify="right", no_wrap=True)
    heads = [f"{shapes[state]} {state}" if shapes else SHORT[state] for state in SHADES]
    states = map(Text, heads, SHADES.values())
    table.add_row("", *[""] * bool(shapes), *reversed(list(states)))
    for name, sku in rows:
        units = map(figure, (sku.available, sku.in_flight, sku.held, sku.sold))
        table.add_row(Text(name), *[Bar(sku)] * bool(shapes), *units)
    return table


def _rows(stock: list[SkuStock], room: int) -> Iterator[tuple[str, SkuStock]]:
    shown = stock if len(stock) <= room else stock[: room - 1]
    yield from ((sku.sku, sku) for sku in shown)
    if rest := stock[len(shown) :]:
        yield f"{len(rest):,} {'more' if shown else 'SKUs'}", in_all(rest)
