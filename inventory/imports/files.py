"""Reading a CSV or Excel file into rows of text, as a person sees them, whole or not at all."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tablib import Dataset

from .cells import Cell, FileRefused, Grid, Row
from .columns import Column, Columns, Holds
from .sheet import name_of
from .shown import Unclear, amount_of, code_of, text_of, units_of
from .text_files import read_text_file
from .workbook import read_workbook

__all__ = ["FileRefused", "Rows", "read_rows"]

MAX_BYTES = 1024 * 1024
MAX_ROWS = 10_000
MAX_COLUMNS = 50
MAX_UNPACKED_BYTES = 32 * 1024 * 1024  # of the parts of an Excel file that are read
MAX_REASONS = 1000  # that one file is refused for
LINE = "line"  # the column that says where a row stands in its file
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # what Office keeps old and encrypted files in
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_BY_NAME = (".xlsx", ".xlsm", ".xltx", ".xltm", ".xlsb", ".xls", ".ods")


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a file as text, with the number of each, and what of the file was not read."""

    dataset: Dataset
    notes: list[str]


def read_rows(content: bytes, columns: Columns, *, name: str = "") -> Rows:
    """Return the rows of a file called `name` as text: its columns that are asked for.

    Names in its first row are taken without regard to case and surrounding spaces; empty rows are
    left out. Raises FileRefused with a reason for each cell that is not certain.
    """
    grid = _grid(content, columns, name.strip().lower())
    header, *rows = grid.rows or [Row(1, [])]
    table = _Table(grid, header, columns)
    if len(rows) > MAX_ROWS:
        raise FileRefused(f"The file has more than {MAX_ROWS:,} rows.")
    if not rows:
        raise FileRefused("The file has no rows below the first.")
    reasons = [*table.hidden(), *table.merged()]
    dataset = Dataset(headers=[LINE, *(column.name for column in table.places)])
    for row in rows:
        cells, wrong = table.read(row)
        reasons += wrong
        if len(reasons) > MAX_REASONS:
            break
        if not wrong:
            dataset.append([str(row.number), *cells])
    if reasons:
        raise FileRefused(*reasons)
    return Rows(dataset, grid.notes + table.notes())


def _grid(content: bytes, columns: Columns, name: str) -> Grid:
    if len(content) > MAX_BYTES:
        raise FileRefused(f"The file is larger than {MAX_BYTES // 1024:,} KiB.")
    if not content.strip():
        raise FileRefused("The file is empty.")
    if content.startswith(_OLE):
        if _ENCRYPTED in content:
            raise FileRefused("The file is protected by a password: save it without one.")
        raise FileRefused("This is an old Excel file (.xls), or none at all: save it as .xlsx.")
    if content.startswith(_ZIP):
        return read_workbook(
            content, max_rows=MAX_ROWS, max_columns=MAX_COLUMNS, max_bytes=MAX_UNPACKED_BYTES
        )
    if name.endswith(_BY_NAME):
        raise FileRefused(
            "The file is named like a spreadsheet and is none that can be read: it is damaged, or "
            "a CSV file under a wrong name."
        )
    return read_text_file(content, names=columns.names, max_rows=MAX_ROWS)


class _Table:
    """The columns of a file under the names that its first row gives them. Raises FileRefused."""

    def __init__(self, grid: Grid, header: Row, columns: Columns) -> None:
        self.grid, self.header = grid, header
        self.currency = columns.currency
        self.names = [cell.raw.strip().lower() for cell in header.cells]
        while self.names and not self.names[-1]:  # a spreadsheet has no end to the right
            self.names.pop()
        twice = [each for each, count in Counter(filter(None, self.names)).items() if count > 1]
        if not self.names or len(self.names) > MAX_COLUMNS or twice:
            raise FileRefused("The first row has to name each column once.", *_more(twice))
        if missing := columns.missing_in(self.names):
            raise FileRefused(f"The first row does not name: {', '.join(missing)}.")
        self.places: dict[Column, int] = {
            column: self.names.index(column.name)
            for column in columns.columns
            if column.name in self.names
        }

    def notes(self) -> list[str]:
        """Return what of the file was passed over."""
        read = {column.name for column in self.places}
        left = [f"“{name[:40]}”" for name in self.names if name and name not in read]
        return [f"Columns that are not read: {', '.join(left)}."] if left else []

    def hidden(self) -> Iterator[str]:
        """Yield what is wrong with hidden columns and rows."""
        for column, place in self.places.items():
            if self.grid.is_hidden(place):
                yield f"Column {name_of(place)} ({column.name}) is hidden: show it, or delete it."
        if self.header.is_hidden:
            yield f"Row {self.header.number}, which names the columns, is hidden: show it."

    def merged(self) -> Iterator[str]:
        """Yield what is shown as one cell, where each row and column needs its own."""
        last_row = self.grid.rows[-1].number
        for block in self.grid.merged:
            columns = range(block.first_column, block.last_column + 1)
            read = any(place in columns for place in self.places.values())
            if read and self.header.number <= block.last_row and block.first_row <= last_row:
                yield f"The cells {block.name} are merged: unmerge them, and fill in each."

    def read(self, row: Row) -> tuple[list[str], list[str]]:
        """Return a row's cells as text, and what is wrong with it."""
        at = f"Row {row.number}"
        if row.is_hidden:
            return [], [f"{at} is hidden, by hand or by a filter: show it, or delete it."]
        for place in row.filled():
            if place >= len(self.names):
                return [], [f"{at} has more cells than the first row names."]
            if not self.names[place]:
                return [], [f"{at} has a cell in column {name_of(place)}, which has no name."]
        cells, wrong = [], []
        currency = self._currency(row)
        for column, place in self.places.items():
            try:
                cells.append(self._read(column, row.cell(place), currency))
            except Unclear as error:
                wrong.append(f"{at}: {column.name}: {error}")
        return cells, wrong

    def _read(self, column: Column, cell: Cell, currency: str) -> str:
        match column.holds:
            case Holds.AMOUNT:
                return amount_of(cell, currency, point_is_decimal=self.grid.point_is_decimal)
            case Holds.UNITS:
                return units_of(cell)
            case Holds.CODE:
                return code_of(cell)
            case Holds.TEXT:
                return text_of(cell)

    def _currency(self, row: Row) -> str:
        """Return the currency of a row's amounts, "" where that is not clear either."""
        if self.currency:
            return self.currency
        place = next((at for each, at in self.places.items() if each.name == "currency"), None)
        try:
            return code_of(row.cell(place)) if place is not None else ""
        except Unclear:
            return ""


def _more(twice: list[str]) -> list[str]:
    return [f"It names twice: {', '.join(name[:40] for name in twice)}."] if twice else []
