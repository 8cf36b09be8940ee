"""Real workbooks, and what openpyxl cannot write: their XML, edited."""

import re
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook

Edit = Callable[[str], str]
SHEET, TEXTS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
_TEXTS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"


def saved(book: Workbook) -> bytes:
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def workbook(*rows: list[Any], formats: Mapping[str, str] | None = None) -> bytes:
    """Return a workbook of one sheet; `formats` are number formats by cell."""
    book = Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    for cell, number_format in (formats or {}).items():
        book.worksheets[0][cell].number_format = number_format
    return saved(book)


def edited(content: bytes, edits: Mapping[str, Edit | None]) -> bytes:
    """Return a workbook whose parts are changed as text, or left out (None)."""
    file = BytesIO()
    with ZipFile(BytesIO(content)) as before, ZipFile(file, "w", ZIP_DEFLATED) as after:
        for name in before.namelist():
            edit = edits.get(name, lambda text: text)
            if edit is not None:
                after.writestr(name, edit(before.read(name).decode()))
    return file.getvalue()


def with_sheet(content: bytes, old: str, new: str) -> bytes:
    """Return a workbook with `old` replaced in the XML of its first sheet, where it has to be."""

    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return edited(content, {SHEET: edit})


def with_shared_texts(content: bytes) -> bytes:
    """Return a workbook whose texts stand in a part of their own, where Excel keeps them."""
    texts: list[str] = []

    def share(match: re.Match[str]) -> str:
        texts.append(match[1])
        return f't="s"><v>{len(texts) - 1}</v>'

    def sheet(text: str) -> str:
        return re.sub(r't="inlineStr"><is>(.*?)</is>', share, text)

    relation = f'<Relationship Id="texts" Type="{_TEXTS}" Target="sharedStrings.xml"/>'
    related = {
        SHEET: sheet,
        "xl/_rels/workbook.xml.rels": lambda text: text.replace("</R", f"{relation}</R"),
    }
    file = BytesIO(edited(content, related))
    with ZipFile(file, "a") as more:
        more.writestr(TEXTS, f"<sst>{''.join(f'<si>{each}</si>' for each in texts)}</sst>")
    return file.getvalue()
