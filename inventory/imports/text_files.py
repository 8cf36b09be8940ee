"""CSV files and their kin, as spreadsheets and editors write them."""

import codecs
import csv
from collections.abc import Collection, Iterator
from io import StringIO
from itertools import islice

from .cells import Cell, FileRefused, Grid, Row

DELIMITERS = ",;\t"
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_NO_TEXT = (
    "This is neither an Excel file nor a CSV file in UTF-8. In Excel, save it as “CSV UTF-8”."
)


def read_text_file(content: bytes, *, names: Collection[str], max_rows: int) -> Grid:
    """Read a file of rows of text. Raises FileRefused.

    `names` are those that its first row may give its columns: whatever separates most of them is
    what separates the cells. One row more than `max_rows` is read, never more.
    """
    text = _decoded(content)
    delimiter, text = _announced_delimiter(text)
    delimiter = delimiter or _delimiter_of(text, names)
    rows: list[Row] = []
    try:
        for number, cells in enumerate(_records(text, delimiter), 1):
            row = Row(number, [Cell(raw=cell) for cell in cells])
            if row.is_blank:
                continue
            if swallowed := next((each for each in cells if _is_swallowed(each, delimiter)), ""):
                raise FileRefused(
                    f"Row {number}: {swallowed[:40]!r} runs over more than one line: a quotation "
                    "mark is missing."
                )
            rows.append(row)
            if len(rows) > max_rows + 1:
                break
    except csv.Error as error:
        raise FileRefused(f"This is no CSV file: {error}.") from error
    return Grid(rows, point_is_decimal=delimiter == ",")


def _decoded(content: bytes) -> str:
    encoding = _UTF_16.get(content[:2], "utf-8-sig")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise FileRefused(_NO_TEXT) from error
    if "\0" in text:
        raise FileRefused(_NO_TEXT)
    return text


def _announced_delimiter(text: str) -> tuple[str, str]:
    """Return what a first line `sep=;` says, which Excel obeys and does not show; and the rest."""
    line, rest = _first_line(text)
    name, _, delimiter = line.strip(' "').partition("=")
    if name.lower() != "sep":
        return "", text
    if delimiter not in DELIMITERS or len(delimiter) != 1:
        raise FileRefused("Its columns are separated by neither commas, semicolons nor tabs.")
    return delimiter, rest


def _first_line(text: str) -> tuple[str, str]:
    line = next(iter(text[:1000].splitlines(keepends=True)), "")
    return line.rstrip("\r\n"), text[len(line) :]


def _delimiter_of(text: str, names: Collection[str]) -> str:
    """Return what separates the cells: Excel writes semicolons where the comma is decimal."""
    found = {each: len(_named(text, each) & set(names)) for each in DELIMITERS}
    return max(DELIMITERS, key=lambda each: (found[each], _header(text).count(each)))


def _named(text: str, delimiter: str) -> set[str]:
    try:
        filled = (cells for cells in _records(text, delimiter) if any(map(str.strip, cells)))
        return {cell.strip().lower() for cell in next(filled, [])}
    except csv.Error:
        return set()


def _header(text: str) -> str:
    return next(iter(text.lstrip().splitlines()), "")


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    # Not translated, but split at each of \n, \r and \r\n: old Macs write \r alone.
    yield from csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)


def _is_swallowed(cell: str, delimiter: str) -> bool:
    """Tell whether a cell looks like rows that a forgotten quotation mark has made one."""
    return delimiter in cell and len(list(islice(cell.splitlines(), 2))) > 1
