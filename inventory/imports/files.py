"""Reading a CSV or Excel file into rows of text, within bounds that no file can get around."""

import csv
from collections.abc import Iterable, Iterator
from io import BytesIO, StringIO
from typing import Any
from zipfile import BadZipFile, ZipFile

from openpyxl import load_workbook
from tablib import Dataset

MAX_BYTES = 1024 * 1024
MAX_ROWS = 10_000
MAX_COLUMNS = 50
MAX_UNPACKED_BYTES = 32 * 1024 * 1024  # of an Excel file, which is a ZIP archive of XML
LINE = "line"  # the column that says where a row stands in its file
_ZIP = b"PK\x03\x04"


class FileRefused(Exception):
    """A file that cannot be read, or that is too large; the text is for who has sent it."""


def read_rows(content: bytes) -> Dataset:
    """Return the rows of a file as text, with its header and the line of each row.

    Names in the header are taken without regard to case and surrounding spaces; empty rows are left
    out. Raises FileRefused.
    """
    if len(content) > MAX_BYTES:
        raise FileRefused(f"The file is larger than {MAX_BYTES // 1024:,} KiB.")
    rows = _excel(content) if content.startswith(_ZIP) else _csv(content)
    lines = enumerate(([_text(cell) for cell in row] for row in rows), 1)
    filled = ((line, row) for line, row in lines if any(row))
    _, header = next(filled, (0, []))
    return _dataset(_names(header), filled)


def _names(header: list[str]) -> list[str]:
    names = [name.lower() for name in header]
    while names and not names[-1]:  # a spreadsheet has no end to the right
        names.pop()
    if not names or len(names) > MAX_COLUMNS or len(set(names)) < len(names):
        raise FileRefused("The first row has to name each column once.")
    return names


def _dataset(names: list[str], rows: Iterable[tuple[int, list[str]]]) -> Dataset:
    dataset = Dataset(headers=[LINE, *names])
    for line, row in rows:
        if len(dataset) == MAX_ROWS:
            raise FileRefused(f"The file has more than {MAX_ROWS:,} rows.")
        if any(row[len(names) :]):
            raise FileRefused(f"Row {line} has more cells than the first row names.")
        dataset.append([str(line), *row[: len(names)], *[""] * (len(names) - len(row))])
    if not len(dataset):
        raise FileRefused("The file has no rows below the first.")
    return dataset


def _csv(content: bytes) -> Iterator[list[Any]]:
    try:
        text = content.decode("utf-8-sig")
        header = text.lstrip().partition("\n")[0]
        # Excel writes semicolons where the comma is the decimal mark.
        delimiter = max(",;\t", key=header.count)
        yield from csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    except UnicodeDecodeError as error:
        raise FileRefused("This is neither an Excel file nor a CSV file in UTF-8.") from error
    except csv.Error as error:
        raise FileRefused(f"This is no CSV file: {error}.") from error


def _excel(content: bytes) -> Iterator[list[Any]]:
    try:
        with ZipFile(BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > MAX_UNPACKED_BYTES:
            raise FileRefused("The file is far larger than it looks.")
        # The values of formulas, not the formulas; and of the first sheet, row by row.
        book = load_workbook(BytesIO(content), read_only=True, data_only=True)
        for row in book.worksheets[0].iter_rows(values_only=True, max_col=MAX_COLUMNS + 1):
            yield list(row)
    except (BadZipFile, SyntaxError, LookupError, ValueError, OSError) as error:
        raise FileRefused("This is no Excel file that can be read.") from error


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # a spreadsheet knows no whole numbers
    return str(cell).strip()
