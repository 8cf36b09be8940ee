"""Excel files as archives: which parts they have, and whether they may be opened at all."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from posixpath import dirname, join, normpath
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from .cells import FileRefused

UNREADABLE = "This is no Excel file that can be read: it is damaged, or of another kind."
FAR_LARGER = "The file is far larger than it looks."
MAX_ELEMENTS = 2_000_000  # of one part: some two seconds, in which others wait
_OPEN_DOCUMENT = b"application/vnd.oasis.opendocument"
_KIND = "officeDocument"

Attributes = dict[str, str]
Start = Callable[[str, Attributes], None]

logger = logging.getLogger(__name__)


@contextmanager
def readable() -> Iterator[None]:
    """Make whatever a damaged file lets fail a refusal; what it was goes into the log."""
    try:
        yield
    except FileRefused:
        raise
    except Exception as error:  # archives and XML from outside fail in more ways than can be named
        logger.info("An Excel file cannot be read", exc_info=True)
        raise FileRefused(UNREADABLE) from error


class Package:
    """The parts of an Excel file (ECMA-376 part 2), unpacked within a bound. Raises FileRefused."""

    def __init__(self, content: bytes, *, max_bytes: int) -> None:
        self._archive = ZipFile(BytesIO(content))
        self._entries = {entry.filename: entry for entry in self._archive.infolist()}
        self._left = max_bytes
        if len(self._entries) < len(self._archive.infolist()):
            raise FileRefused(UNREADABLE)  # two parts of one name: programs differ on which is it
        if any(entry.flag_bits & 1 for entry in self._entries.values()):
            raise FileRefused("The file is protected by a password: save it without one.")
        if self.has("mimetype") and self.part("mimetype").startswith(_OPEN_DOCUMENT):
            raise FileRefused("This is an OpenDocument file: save it as Excel (.xlsx) or CSV.")

    def has(self, name: str) -> bool:
        return name in self._entries

    def part(self, name: str) -> bytes:
        """Return a part's content. Raises FileRefused where there is none, or too much of it."""
        entry = self._entries.get(name)
        if entry is None or entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise FileRefused(UNREADABLE)
        self._left -= entry.file_size
        if self._left < 0:
            raise FileRefused(FAR_LARGER)
        return self._archive.read(entry)  # never more than it announced

    def workbook(self) -> str:
        """Return the name of the part that lists the sheets."""
        for kind, target in self.related("").values():
            if kind == _KIND and self.has(target):
                return self._without_macros(target)
        raise FileRefused(UNREADABLE)

    def related(self, name: str) -> dict[str, tuple[str, str]]:
        """Return, by id, the kind and the name of each part that a part points to."""
        folder, base = dirname(name), name.rpartition("/")[2]
        found: dict[str, tuple[str, str]] = {}

        def start(tag: str, attributes: Attributes) -> None:
            if tag == "Relationship" and attributes.get("TargetMode") != "External":
                target = normpath(join("/", folder, attributes["Target"])).lstrip("/")
                found[attributes["Id"]] = attributes["Type"].rpartition("/")[2], target

        relations = join(folder, "_rels", f"{base}.rels")
        if self.has(relations):
            walk(self.part(relations), start)
        return found

    def _without_macros(self, workbook: str) -> str:
        kinds: list[str] = []

        def start(tag: str, attributes: Attributes) -> None:
            if tag == "Override" and attributes.get("PartName", "").lstrip("/") == workbook:
                kinds.append(attributes.get("ContentType", ""))

        walk(self.part("[Content_Types].xml"), start)
        programs = any(name.endswith("vbaProject.bin") for name in self._entries)
        if programs or any("macroEnabled" in kind for kind in kinds):
            raise FileRefused("The file holds macros: save it as Excel workbook (.xlsx).")
        if workbook.endswith(".bin"):
            raise FileRefused("This is a binary workbook (.xlsb): save it as .xlsx.")
        return workbook


def walk(
    content: bytes,
    start: Start,
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    """Call back for each element of an XML document, by its local name, and keep none of it.

    A tree of it would take twenty times its size. Raises FileRefused for a document of more
    elements than any sheet that is taken in needs, and for one that defines entities, which no
    spreadsheet does and by which a small one grows without bounds.
    """
    left = MAX_ELEMENTS

    def started(tag: str, found: Attributes) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise FileRefused(FAR_LARGER)
        start(_local(tag), _plain(found))

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = started
    if end is not None:
        ended = end
        parser.EndElementHandler = lambda tag: ended(_local(tag))
    if text is not None:
        parser.CharacterDataHandler = text
    parser.Parse(content, True)


def _refuse_doctype(*_: object) -> None:
    raise FileRefused(UNREADABLE)


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _plain(attributes: Attributes) -> Attributes:
    return {_local(name): value for name, value in attributes.items()}
