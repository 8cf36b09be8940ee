"""The cells and rows of a file, before their columns give them a meaning."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto


class Kind(Enum):
    """The kind of a cell's content, as far as the checks of a row depend on it."""

    TEXT = auto()
    NUMBER = auto()
    BOOLEAN = auto()
    ERROR = auto()
    DATE = auto()
    NOT_CALCULATED = auto()  # a formula without a stored result


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as its file holds it: `raw` is the number or text as it is written there."""

    kind: Kind = Kind.TEXT
    raw: str = ""
    format: str = "General"  # how a spreadsheet shows it (ECMA-376, 18.8.31)

    @property
    def is_blank(self) -> bool:
        return self.kind is Kind.TEXT and not self.raw.strip()


EMPTY = Cell()


@dataclass(frozen=True, slots=True)
class Row:
    """A row under the number that a spreadsheet shows beside it, its cells from column A on."""

    number: int
    cells: list[Cell]
    is_hidden: bool = False

    @property
    def is_blank(self) -> bool:
        return all(cell.is_blank for cell in self.cells)

    def cell(self, column: int) -> Cell:
        """Return the cell in a column, counted from 0."""
        return self.cells[column] if column < len(self.cells) else EMPTY

    def filled(self) -> Iterator[int]:
        """Yield the columns that hold something."""
        return (column for column, cell in enumerate(self.cells) if not cell.is_blank)


@dataclass(frozen=True, slots=True)
class Merged:
    """A block of cells that is shown as one; rows from 1, columns from 0, both ends included."""

    name: str  # "A2:B3"
    first_row: int
    last_row: int
    first_column: int
    last_column: int


@dataclass(slots=True)
class Grid:
    """The filled rows of a file, and what has to be known about them."""

    rows: list[Row]
    point_is_decimal: bool = False  # "1.000" is one, and cannot be a thousand
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)  # from, to; from 0
    merged: list[Merged] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # the parts of the file that are not read

    def is_hidden(self, column: int) -> bool:
        return any(first <= column <= last for first, last in self.hidden_columns)


class FileRefused(Exception):
    """A file that is not taken in; each reason is a sentence for its sender."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons
