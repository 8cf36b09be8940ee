"""Where a command shows what it found: drawn on a terminal, plain lines everywhere else."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from io import TextIOBase
from typing import IO, Any, cast

from django.core.management.base import OutputWrapper
from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

Cell = str | int | Text | None  # None: unknown
GOOD, BAD = "green", "red"
_NO_LIMIT = 10_000  # columns, to ask for the least width that a table needs


class Display:
    """The standard output of one run of a command.

    A terminal gets tables, colours and progress, as does anything with --force-color. Whatever else
    reads gets the same words and figures without: one line a row, figures without commas.
    """

    def __init__(self, stdout: OutputWrapper, options: Mapping[str, Any]) -> None:
        on_terminal = stdout.isatty()
        self._stdout = stdout
        self.drawn = on_terminal or bool(options.get("force_color"))
        self.console = Console(
            file=cast(IO[str], _Verbatim(stdout)),
            force_terminal=self.drawn,
            # Colours can be forced upon a file, a cursor that moves cannot.
            force_interactive=on_terminal and os.environ.get("TERM") not in ("dumb", "unknown"),
            color_system="auto" if _wants_colour(options) else None,
            no_color=False,  # decided above, for bold and dim as for colours
            highlight=False,
            markup=False,
            emoji=False,
        )
        self._progress = self.console.is_interactive and not options.get("json")

    def say(self, text: str, style: str = "") -> None:
        """Print a sentence, never broken into lines."""
        if self.drawn:
            self.console.print(Text(text, style), soft_wrap=True)
        else:
            self._stdout.write(text)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        """Print rows under their columns; a column of numbers keeps to the right."""
        if self.drawn:
            self._draw(_table(columns, rows))
        else:
            for line in plain_lines([[_name(column) for column in columns], *rows]):
                self._stdout.write(line)

    def facts(self, facts: Mapping[str, Cell]) -> None:
        """Print values beside their names."""
        if self.drawn:
            for name, value in facts.items():
                self.console.print(Text.assemble((f"{name:<12}", "dim"), _drawn(value)))
        else:
            for line in plain_lines([(_name(name), value) for name, value in facts.items()]):
                self._stdout.write(line)

    @contextmanager
    def progress(self, doing: str, *, total: int) -> Iterator[Callable[[], None]]:
        """Show how far long work is, on a terminal, until the block ends.

        Yields what to call for each of the `total` parts that is done.
        """
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(
            *columns, console=self.console, transient=True, disable=not self._progress
        ) as progress:
            yield partial(progress.advance, progress.add_task(doing, total=total))

    def _draw(self, table: Table) -> None:
        """Print `table` whole, also where it is wider than the terminal: no figure is cut off."""
        unbounded = self.console.options.update(max_width=_NO_LIMIT)
        least = Measurement.get(self.console, unbounded, table).maximum
        fits = least <= self.console.width
        table.width = None if fits else least
        self.console.print(table, soft_wrap=not fits)


class _Verbatim(TextIOBase):
    """A command's standard output as a stream that adds no line ends of its own."""

    def __init__(self, stdout: OutputWrapper) -> None:
        self._stdout = stdout

    def write(self, text: str) -> int:
        self._stdout.write(text, ending="")
        return len(text)

    def flush(self) -> None:
        self._stdout.flush()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(self._stdout, "encoding", None) or "utf-8"


def plain_lines(rows: Sequence[Sequence[Cell]]) -> Iterator[str]:
    """Yield each row as a line: cells two spaces apart or more, "-" for an unknown value."""
    cells = [["-" if cell is None or cell == "" else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  ".join(map(str.ljust, row, widths)).rstrip()


def _table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for place, name in enumerate(columns):
        numbers = any(isinstance(row[place], int) for row in rows)
        table.add_column(name, justify="right" if numbers else "left", no_wrap=True)
    for row in rows:
        table.add_row(*map(_drawn, row))
    return table


def _drawn(cell: Cell) -> Text:
    if isinstance(cell, Text):
        return cell
    if cell is None:
        return Text("-", "dim")
    return Text(f"{cell:,}" if isinstance(cell, int) else cell)


def _name(column: str) -> str:
    """Return a name as one word, so that columns can be counted."""
    return column.replace(" ", "_")


def _wants_colour(options: Mapping[str, Any]) -> bool:
    """Tell whether colour is wanted: what the command line says comes before NO_COLOR."""
    if options.get("force_color"):
        return True
    return not (options.get("no_color") or os.environ.get("NO_COLOR"))
