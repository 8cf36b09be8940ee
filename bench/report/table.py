"""Results as tables for people."""

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.result import Result

WIDTH = 132  # characters


def show(console: Console, result: Result) -> None:
    """Print what a scenario has found, and what it left out."""
    console.print(Text(result.scenario, style="bold").append(f"  {result.about}", style="dim"))
    if result.rows:
        console.print(table(result))
    for mark, style, whys in (("-", "dim", result.skipped), ("✗", "red", result.failed)):
        for what, why in whys.items():
            console.print(Text(f"  {mark} {what}: {why}", style=style), soft_wrap=True)
    for note in result.notes:
        console.print(Text(f"  {note}", style="dim"), soft_wrap=True)
    console.print()


def table(result: Result) -> Table:
    """Return the medians, a row each; a figure that is 0 in every row is left out."""
    summary = result.summary()
    names = dict.fromkeys(name for row in summary.values() for name in row)
    shown = [name for name in names if any(row.get(name) for row in summary.values())]
    grid = Table(box=SIMPLE_HEAD, padding=(0, 2, 0, 0))
    grid.add_column("", no_wrap=True)
    for name in shown:
        grid.add_column(name, justify="right")
    for row, figures in summary.items():
        grid.add_row(row, *(cell(figures.get(name)) for name in shown))
    return grid


def cell(value: float | None) -> str:
    """Return a figure with as many decimals as its size has use for."""
    if value is None:
        return ""
    decimals = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 2
    return f"{value:,.{decimals}f}"
