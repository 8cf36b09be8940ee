"""The summary of a demo sale: figures, balances, and whether every invariant held."""

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .account.balances import balance_table
from .account.evidence import Evidence
from .figures import Figure, figures
from .invariants.verdict import Check


def show(console: Console, evidence: Evidence, checks: Sequence[Check]) -> None:
    """Print the figures, where the units are, and every invariant with whether it held."""
    console.print()
    console.print(Padding(_figure_table(figures(evidence)), (0, 2), expand=False))
    console.print()
    console.print(Padding(balance_table(evidence), (0, 2), expand=False))
    console.print()
    for check in checks:
        mark = Text("✗", style="red bold") if check.broken else Text("✓", style="green")
        console.print(Text("  ").append_text(mark).append(f" {check.invariant}"))
        for what in check.broken:
            console.print(Text(f"      {what}", style="red"), soft_wrap=True)
    console.print()


def conclude(console: Console, checks: Sequence[Check]) -> None:
    """Print the verdict in one line."""
    if broken := sum(bool(check.broken) for check in checks):
        text = f"{broken} of {len(checks)} invariants were broken."
        console.print(Text(text, style="red bold"))
    else:
        console.print(Text(f"All {len(checks)} invariants held.", style="green bold"))


def _figure_table(rows: Sequence[Figure]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style="dim")
    for row in rows:
        table.add_row(*row)
    return table
