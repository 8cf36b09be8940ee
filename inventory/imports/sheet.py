"""One sheet of a workbook, cell by cell, without a word of its own on how large it is."""

import re

from .cells import EMPTY, Cell, FileRefused, Grid, Kind, Merged, Row
from .package import UNREADABLE, Attributes, walk

_REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7})")
_ESCAPED = re.compile(r"_x((?!D[89A-F])[0-9A-F]{4})_", re.IGNORECASE)
_KINDS = {
    "n": Kind.NUMBER,
    "s": Kind.TEXT,
    "str": Kind.TEXT,
    "inlineStr": Kind.TEXT,
    "b": Kind.BOOLEAN,
    "e": Kind.ERROR,
    "d": Kind.DATE,
}
_LONGEST = 32_767  # characters of a cell, as Excel has it
_MERGED = 10_000  # blocks of a sheet


def column_of(letters: str) -> int:
    """Return the column that is called "A", "B", … "AA", counted from 0."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def name_of(column: int) -> str:
    """Return what a column, counted from 0, is called."""
    name, rest = "", column + 1
    while rest:
        rest, letter = divmod(rest - 1, 26)
        name = chr(ord("A") + letter) + name
    return name


def unescaped(text: str) -> str:
    """Return a text without Excel's way to write what XML cannot hold: _x000D_."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


class _Enough(Exception):
    """More rows than are wanted: the rest of the sheet is not read."""


class SheetReader:
    """Reads one sheet; `strings` and `formats` are its workbook's, by number."""

    def __init__(
        self, strings: list[str], formats: list[str], *, max_rows: int, max_columns: int
    ) -> None:
        self.strings, self.formats = strings, formats
        self.max_rows, self.max_columns = max_rows, max_columns
        self.grid = Grid([])
        self.in_data = self.rows_are_hidden = False
        self.row, self.row_is_hidden, self.cells = 0, False, dict[int, Cell]()
        self.column = -1
        self.kind, self.style = "n", 0
        self.inside, self.is_phonetic, self.is_formula = "", False, False
        self.parts: list[str] = []

    def read(self, content: bytes) -> Grid:
        try:
            walk(content, self._start, self._end, self._text)
        except _Enough:
            pass
        return self.grid

    def _start(self, tag: str, attributes: Attributes) -> None:
        match tag:
            case "sheetData":
                self.in_data = True
            case "row" if self.in_data:
                self._start_row(attributes)
            case "c" if self.in_data:
                self._start_cell(attributes)
            case "v" | "t":
                self.inside = "" if self.is_phonetic else tag
            case "f":
                self.is_formula = True
            case "rPh":
                self.is_phonetic = True
            case "col" if not self.grid.rows:
                self._column(attributes)
            case "sheetFormatPr":
                self.rows_are_hidden = _is_set(attributes.get("zeroHeight"))
            case "mergeCell":
                self._merged(attributes["ref"])

    def _end(self, tag: str) -> None:
        match tag:
            case "sheetData":
                self.in_data = False
            case "row" if self.in_data:
                self._end_row()
            case "c" if self.in_data:
                self._end_cell()
            case "rPh":
                self.is_phonetic = False
        self.inside = ""

    def _text(self, text: str) -> None:
        if self.inside:
            self.parts.append(text)

    def _start_row(self, attributes: Attributes) -> None:
        number = int(attributes.get("r", self.row + 1))
        if number <= self.row:
            raise FileRefused(UNREADABLE)  # rows that come twice, or in another order
        height = float(attributes.get("ht", 1))
        self.row, self.column, self.cells = number, -1, {}
        self.row_is_hidden = (
            _is_set(attributes.get("hidden"))
            or height == 0
            or (self.rows_are_hidden and "ht" not in attributes)
        )

    def _end_row(self) -> None:
        last = max(self.cells, default=-1)
        if last < 0:
            return
        cells = [self.cells.get(column, EMPTY) for column in range(last + 1)]
        self.grid.rows.append(Row(self.row, cells, self.row_is_hidden))
        if len(self.grid.rows) > self.max_rows + 1:
            raise _Enough

    def _start_cell(self, attributes: Attributes) -> None:
        column = self.column + 1
        if reference := attributes.get("r"):
            match = _REFERENCE.fullmatch(reference)
            if match is None or int(match[2]) != self.row or column_of(match[1]) < column:
                raise FileRefused(UNREADABLE)  # elsewhere than where it stands, or twice
            column = column_of(match[1])
        self.column = column
        self.kind, self.style = attributes.get("t", "n"), int(attributes.get("s", 0))
        self.parts, self.is_formula = [], False

    def _end_cell(self) -> None:
        cell = self._cell("".join(self.parts))
        # Beyond the last column that may be, one filled cell is as good as a thousand.
        if not cell.is_blank:
            self.cells[min(self.column, self.max_columns)] = cell

    def _cell(self, raw: str) -> Cell:
        kind = _KINDS.get(self.kind)
        if kind is None or len(raw) > _LONGEST:
            raise FileRefused(UNREADABLE)
        if not raw:
            empty = not self.is_formula or self.kind == "str"
            return EMPTY if empty else Cell(Kind.NOT_CALCULATED, "A cell")
        if self.kind == "s":
            if not raw.isdecimal():
                raise FileRefused(UNREADABLE)
            raw = self.strings[int(raw)]
        elif kind is Kind.TEXT:
            raw = unescaped(raw)
        return Cell(kind, raw, self._format())

    def _format(self) -> str:
        if not 0 <= self.style < len(self.formats):
            raise FileRefused(UNREADABLE)
        return self.formats[self.style]

    def _column(self, attributes: Attributes) -> None:
        hidden = _is_set(attributes.get("hidden")) or float(attributes.get("width", 1)) == 0
        if hidden:
            first, last = int(attributes["min"]) - 1, int(attributes["max"]) - 1
            self.grid.hidden_columns.append((first, last))

    def _merged(self, reference: str) -> None:
        first, _, last = reference.partition(":")
        ends = [_REFERENCE.fullmatch(each) for each in (first, last or first)]
        if not all(ends) or len(self.grid.merged) >= _MERGED:
            raise FileRefused(UNREADABLE)
        (row, column), (to_row, to_column) = (
            (int(each[2]), column_of(each[1])) for each in ends if each
        )
        self.grid.merged.append(Merged(reference, row, to_row, column, to_column))


def _is_set(value: str | None) -> bool:
    return value in ("1", "true", "on")
