"""Excel workbooks (ECMA-376, SpreadsheetML): the first sheet that is to be seen, as it is shown.

openpyxl would read values alone: it believes a sheet's own word on its size, turns numbers into
floats, and stops at styles it does not know. Here each cell keeps what its file says of it.
"""

from dataclasses import dataclass, field

from openpyxl.styles.numbers import BUILTIN_FORMATS

from .cells import FileRefused, Grid
from .package import Attributes, Package, readable, walk
from .sheet import SheetReader, unescaped

# Those that show the money of the reader's country, which the file does not name.
_MONEY_OF_THE_PLACE = dict.fromkeys((5, 6, 41, 42), "#,##0") | dict.fromkeys(
    (7, 8, 43, 44), "#,##0.00"
)
_FORMATS = BUILTIN_FORMATS | _MONEY_OF_THE_PLACE
_UNKNOWN = '"unknown"'  # a format that shows no number


@dataclass(slots=True)
class _Sheet:
    name: str
    target: str
    is_visible: bool


@dataclass(slots=True)
class _Book:
    sheets: list[_Sheet] = field(default_factory=list)
    others: list[str] = field(default_factory=list)  # charts and the like


def read_workbook(content: bytes, *, max_rows: int, max_columns: int, max_bytes: int) -> Grid:
    """Read the filled rows of a workbook's first visible sheet. Raises FileRefused.

    Up to one row more than `max_rows`, and one column more than `max_columns`; it unpacks up to
    `max_bytes`.
    """
    with readable():
        package = Package(content, max_bytes=max_bytes)
        workbook = package.workbook()
        related = package.related(workbook)
        book = _book(package, workbook, related)
        sheet = next((each for each in book.sheets if each.is_visible), None)
        if sheet is None:
            raise FileRefused("The file has no sheet that is to be seen.")
        parts = dict(related.values())
        strings = _strings(package, parts.get("sharedStrings"))
        formats = _formats(package, parts.get("styles"))
        reader = SheetReader(strings, formats, max_rows=max_rows, max_columns=max_columns)
        grid = reader.read(package.part(sheet.target))
    grid.notes += _notes(book, sheet)
    return grid


def _book(package: Package, workbook: str, related: dict[str, tuple[str, str]]) -> _Book:
    book = _Book()

    def start(tag: str, attributes: Attributes) -> None:
        if tag != "sheet":
            return
        name, is_visible = attributes["name"], attributes.get("state", "visible") == "visible"
        kind, target = related.get(attributes.get("id", ""), ("", ""))
        if kind == "worksheet":
            book.sheets.append(_Sheet(name, target, is_visible))
        else:
            book.others.append(name)

    walk(package.part(workbook), start)
    return book


def _notes(book: _Book, read: _Sheet) -> list[str]:
    left = [each for each in book.sheets if each is not read]
    hidden = [each.name for each in left if not each.is_visible]
    seen = [each.name for each in left if each.is_visible] + book.others
    notes = [f"Only the sheet “{read.name}” is read."] if hidden or seen else []
    if seen:
        notes.append(f"Not read: {_list(seen)}.")
    if hidden:
        notes.append(f"Not read, since hidden: {_list(hidden)}.")
    return notes


def _list(names: list[str]) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(f"“{name}”" for name in names[:10]) + more


def _strings(package: Package, part: str | None) -> list[str]:
    """Return the texts that cells refer to by number."""
    if part is None or not package.has(part):
        return []
    reader = _Strings()
    walk(package.part(part), reader.start, reader.end, reader.text)
    return reader.found


class _Strings:
    """A text is made of runs; how it is pronounced is no part of it."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.runs: list[str] = []
        self.is_text = self.is_phonetic = False

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag == "si":
            self.runs = []
        elif tag == "rPh":
            self.is_phonetic = True
        self.is_text = tag == "t"

    def end(self, tag: str) -> None:
        self.is_text = False
        if tag == "rPh":
            self.is_phonetic = False
        elif tag == "si":
            self.found.append(unescaped("".join(self.runs)))

    def text(self, text: str) -> None:
        if self.is_text and not self.is_phonetic:
            self.runs.append(text)


def _formats(package: Package, part: str | None) -> list[str]:
    """Return the number format of each cell style."""
    if part is None or not package.has(part):
        return ["General"]
    own: dict[int, str] = {}
    styles: list[int] = []
    inside = False

    def start(tag: str, attributes: Attributes) -> None:
        nonlocal inside
        if tag == "numFmt" and "numFmtId" in attributes:
            own[int(attributes["numFmtId"])] = attributes.get("formatCode", "")
        elif tag == "xf" and inside:
            styles.append(int(attributes.get("numFmtId", 0)))
        inside = inside or tag == "cellXfs"

    def end(tag: str) -> None:
        nonlocal inside
        inside = inside and tag != "cellXfs"

    walk(package.part(part), start, end)
    return [own.get(style, _FORMATS.get(style, _UNKNOWN)) for style in styles] or ["General"]
