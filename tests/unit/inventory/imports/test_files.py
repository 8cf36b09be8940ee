"""Whole files: what a person sees of them is read, and what is not certain refuses the file."""

import zlib
from contextlib import suppress
from datetime import date
from io import BytesIO
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile

import pytest
from openpyxl import Workbook

from inventory.imports import files, package
from inventory.imports.columns import Column, Columns, Holds
from inventory.imports.files import FileRefused, read_rows

from .workbooks import SHEET, edited, saved, with_shared_texts, with_sheet, workbook

STOCK = Columns(
    (
        Column("sku", Holds.CODE),
        Column("quantity", Holds.UNITS),
        Column("price", Holds.AMOUNT, is_required=False),
    ),
    currency="EUR",
)
HEADER = ["sku", "quantity"]
PLAIN = [HEADER, ["TEE", 5], ["CAP", 7]]
SHARED = with_shared_texts(workbook(*PLAIN))
READ = [("2", "TEE", "5"), ("3", "CAP", "7")]


def rows(content: bytes | str, name: str = "") -> list[tuple[str, ...]]:
    data = content if isinstance(content, bytes) else content.encode()
    return [tuple(row) for row in read_rows(data, STOCK, name=name).dataset[:]]


def refusal(content: bytes | str, name: str = "") -> str:
    data = content if isinstance(content, bytes) else content.encode()
    with pytest.raises(FileRefused) as refused:
        read_rows(data, STOCK, name=name)
    return " ".join(refused.value.reasons)


@pytest.mark.parametrize(
    "content",
    [
        "sku,quantity\nTEE,5\nCAP,7\n",
        "sku;quantity\nTEE;5\nCAP;7\n",
        "sku\tquantity\nTEE\t5\nCAP\t7\n",
        "sku,quantity\r\nTEE,5\r\nCAP,7",
        "sku,quantity\rTEE,5\rCAP,7\r",
        "\ufeffsku;quantity\r\nTEE;5\r\nCAP;7\r\n",
        "sep=;\r\nsku;quantity\r\nTEE;5\r\nCAP;7\r\n",
        "sep=;\rsku;quantity\rTEE;5\rCAP;7\r",
        "\ufeffsep=\t\nsku\tquantity\nTEE\t5\nCAP\t7\n",
        " SKU , Quantity\nTEE, 5\nCAP ,7\n",
        'SKU,Quantity\n"TEE","5"\n"CAP","7"\n',
        "note;sku;quantity\na, b, c;TEE;5\n;CAP;7\n",
        "sku,quantity,price\nTEE,5\nCAP,7,\n",
    ],
)
def test_a_csv_file_is_read_as_spreadsheets_and_editors_write_it(content: str) -> None:
    assert [row[:3] for row in rows(content)] == READ


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_text_says_itself_how_it_is_encoded(encoding: str) -> None:
    assert rows("sku\tquantity\nTEE\t5\nCAP\t7\n".encode(encoding)) == READ


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b" \r\n ", "is empty"),
        (b"\xef\xbb\xbf", "name each column once"),
        ("sku,quantity\nM\xfctze,5\n".encode("cp1252"), "CSV file in UTF-8"),
        ("sku,quantity\nTEE,5\n".encode("utf-16-le"), "CSV file in UTF-8"),
        (b"sku,quantity\nTE\0E,5\n", "CSV file in UTF-8"),
        (b"\x89PNG\r\n\x1a\n", "CSV file in UTF-8"),
        ('sku,quantity\n"TEE,5\n', "no CSV file"),
        ('sku,quantity\n"TEE"x,5\n', "no CSV file"),
        ('sku,quantity,note\nTEE,5,"a\nCAP,7,"\n', "a quotation mark is missing"),
        ('sku,quantity\n"TEE\nM",5\n', "Row 2: sku: 'TEE\\nM' holds a line break"),
        ("sku,quantity\nTEE,5,6\n", "Row 2 has more cells"),
        ("sku,quantity\nTEE,1,000\n", "Row 2 has more cells"),
        ("sku,quantity,price\nTEE,1,000\n", "Row 2: price: '000' begins with a zero"),
        ("sku,,quantity\nTEE,x,5\n", "Row 2 has a cell in column B, which has no name"),
        ("sku|quantity\nTEE|5\n", "does not name: sku, quantity"),
        ("sep=|\nsku|quantity\nTEE|5\n", "neither commas, semicolons nor tabs"),
        ("sku,quantity,SKU\nTEE,5,CAP\n", "It names twice: sku"),
        ("sku,quantity\n", "no rows below the first"),
        ("sku;quantity;price\nTEE;5;1.000\n", "Row 2: price: '1.000' is a thousand in one"),
        ("sku;quantity\nTEE;1.000\n", "Row 2: quantity: '1.000'"),
        ("sku,quantity\n#N/A,5\n", "Row 2: sku: '#N/A' is an error"),
        ("sku,quantity\n\nTEE,5\nCAP,x\nMUG,y\n", "Row 4: quantity: 'x'"),
        ("x" * (files.MAX_BYTES + 1), "larger than 1,024 KiB"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512, "old Excel file"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "protected by a password",
        ),
    ],
)
def test_a_file_that_is_not_certain_is_refused_with_the_reason(
    content: bytes | str, said: str
) -> None:
    assert said in refusal(content)


def test_all_that_is_wrong_with_a_file_is_said_at_once() -> None:
    with pytest.raises(FileRefused) as refused:
        read_rows(b"sku,quantity\nTEE,x\nCAP,1e3\nMUG,5\n", STOCK)
    assert [reason[:6] for reason in refused.value.reasons] == ["Row 2:", "Row 3:"]


@pytest.mark.parametrize("name", ["stock.xlsx", "STOCK.XLS ", "stock.ods"])
def test_a_csv_file_under_the_name_of_a_spreadsheet_is_refused(name: str) -> None:
    assert "under a wrong name" in refusal("sku,quantity\nTEE,5\n", name)


def test_a_workbook_is_read_row_by_row() -> None:
    assert rows(workbook(*PLAIN)) == READ
    assert rows(workbook(["SKU ", " Quantity"], [], ["TEE", 5.0], [None, None], ["CAP", "7"])) == [
        ("3", "TEE", "5"),
        ("5", "CAP", "7"),
    ]


@pytest.mark.parametrize(
    "dimension", ["A1", "A1:B2", "A1:A1", "A1:XFD1048576", "B9:A2", "nonsense"]
)
def test_the_size_that_a_sheet_claims_to_have_changes_nothing(dimension: str) -> None:
    content = with_sheet(workbook(*PLAIN), 'ref="A1:B3"', f'ref="{dimension}"')
    assert rows(content) == READ


def test_a_sku_keeps_the_zeros_that_are_shown() -> None:
    content = workbook(HEADER, [123, 5], ["00123", 7], formats={"A2": "00000"})
    assert rows(content) == [("2", "00123", "5"), ("3", "00123", "7")]


@pytest.mark.parametrize(
    ("cells", "formats", "said"),
    [
        (
            [123456789012345678, 5],
            {},
            "a number of more than 15 digits",
        ),
        ([True, 5], {}, "Row 2: sku: TRUE is a truth value"),
        ([date(2026, 3, 4), 5], {}, "is shown as a date"),
        (["=1/0", 5], {}, "formula without a stored result"),
        (["#N/A", 5], {}, "Row 2: sku: #N/A is an error of a formula"),
        ([1234, 5], {"A2": "#,##0"}, "how it is shown depends"),
        (["TEE", 0.5], {"B2": "0%"}, "Row 2: quantity: 0.5 is shown as a percentage"),
        (["TEE", 5], {"B2": ";;;"}, "is shown not at all"),
        (["TEE", "1.000"], {}, "Row 2: quantity"),
    ],
)
def test_a_cell_that_is_not_certain_refuses_the_workbook(
    cells: list[Any], formats: dict[str, str], said: str
) -> None:
    assert said in refusal(workbook(HEADER, cells, formats=formats))


def test_what_stands_in_other_columns_is_not_judged_and_said() -> None:
    content = workbook(["sku", "when", "quantity"], ["TEE", date(2026, 3, 4), 5])
    read = read_rows(content, STOCK)
    assert read.dataset[:] == [("2", "TEE", "5")]
    assert read.notes == ["Columns that are not read: “when”."]


def test_a_stored_result_is_read_as_it_is_shown() -> None:
    content = workbook([*HEADER, "price"], ["TEE", 5, 59.97], formats={"C2": "0.00"})
    content = with_sheet(content, "<v>59.97</v>", "<f>3*19.99</f><v>59.970000000000006</v>")
    assert rows(content) == [("2", "TEE", "5", "59.97")]


def test_the_first_sheet_that_is_to_be_seen_is_read_and_the_others_are_named() -> None:
    book = Workbook()
    book.worksheets[0].title = "Old"
    book.worksheets[0].append(HEADER)
    book.worksheets[0].append(["OLD", 99])
    for name in ("Stock", "Notes"):
        sheet = book.create_sheet(name)
        for row in PLAIN:
            sheet.append(row)
    book.worksheets[0].sheet_state = "veryHidden"
    book.active = 1
    read = read_rows(saved(book), STOCK)
    assert [tuple(row) for row in read.dataset[:]] == READ
    assert read.notes == [
        "Only the sheet “Stock” is read.",
        "Not read: “Notes”.",
        "Not read, since hidden: “Old”.",
    ]


def test_a_chart_before_the_first_sheet_is_passed_over_and_said() -> None:
    book = Workbook()
    for row in PLAIN:
        book.worksheets[0].append(row)
    book.create_chartsheet("Chart", 0)
    assert "Not read: “Chart”." in read_rows(saved(book), STOCK).notes


def test_a_workbook_of_hidden_sheets_alone_is_refused() -> None:
    content = edited(
        workbook(*PLAIN),
        {"xl/workbook.xml": lambda text: text.replace('state="visible"', 'state="hidden"')},
    )
    assert "no sheet that is to be seen" in refusal(content)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('<row r="3"', '<row r="3" hidden="1"', "Row 3 is hidden"),
        ('<row r="3"', '<row r="3" hidden="true"', "Row 3 is hidden"),
        ('<row r="3"', '<row r="3" ht="0" customHeight="1"', "Row 3 is hidden"),
        ('<row r="1"', '<row r="1" hidden="1"', "Row 1, which names the columns, is hidden"),
        ("<sheetFormatPr", '<sheetFormatPr zeroHeight="1"', "Row 2 is hidden"),
        ("<sheetData>", '<cols><col min="2" max="9" hidden="1"/></cols><sheetData>', "Column B"),
        ("<sheetData>", '<cols><col min="1" max="1" width="0"/></cols><sheetData>', "Column A"),
        (
            "</sheetData>",
            '</sheetData><mergeCells><mergeCell ref="A2:A3"/></mergeCells>',
            "cells A2:A3 are merged",
        ),
    ],
)
def test_what_nobody_sees_and_what_is_shown_as_one_refuses_the_workbook(
    old: str, new: str, said: str
) -> None:
    assert said in refusal(with_sheet(workbook(*PLAIN), old, new))


def test_hidden_and_merged_cells_beside_what_is_read_change_nothing() -> None:
    content = workbook(["sku", "quantity", "note", "more"], ["TEE", 5, "a"], ["CAP", 7])
    hidden = '<cols><col min="3" max="4" hidden="1"/></cols><sheetData>'
    content = with_sheet(content, "<sheetData>", hidden)
    merged = '</sheetData><mergeCells><mergeCell ref="C2:D3"/></mergeCells>'
    content = with_sheet(content, "</sheetData>", f'<row r="9" hidden="1"/>{merged}')
    assert rows(content) == READ


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('r="A3"', 'r="A2"'),  # a cell that stands elsewhere
        ('<row r="3"', '<row r="2"'),  # a row that comes twice
        ("<v>7</v>", "<v>7</v></c><c r='B3'><v>8</v>"),  # a cell that comes twice
        ('t="s"', 't="x"'),
        ("<v>0</v>", "<v>999</v>"),  # a text that there is not
        ("<v>0</v>", "<v>-1</v>"),
        ("</sheetData>", ""),
        ("<sheetData>", '<sheetData foo="&bar;">'),
    ],
)
def test_a_sheet_that_contradicts_itself_is_refused(old: str, new: str) -> None:
    assert "damaged" in refusal(with_sheet(SHARED, old, new))


def test_a_style_that_there_is_not_refuses_the_workbook() -> None:
    content = with_sheet(workbook(*PLAIN), 'r="B2"', 'r="B2" s="77"')
    assert "damaged" in refusal(content)


def test_styles_that_no_program_understands_are_no_reason_to_refuse() -> None:
    def odd(text: str) -> str:
        return text.replace("<fills", "<oddity/><fills").replace("<borders", '<borders odd="x"')

    assert rows(edited(workbook(*PLAIN), {"xl/styles.xml": odd})) == READ
    assert rows(edited(workbook(*PLAIN), {"docProps/core.xml": lambda _: "<odd>"})) == READ


def test_an_unknown_number_format_refuses_only_what_it_shows() -> None:
    content = edited(
        workbook(["sku", "quantity", "note"], ["TEE", 5, 1], formats={"B2": "0.00"}),
        {"xl/styles.xml": lambda text: text.replace('numFmtId="2"', 'numFmtId="57"')},
    )
    assert "Row 2: quantity: 5 is shown as something else" in refusal(content)


def test_texts_are_put_together_and_their_readings_left_out() -> None:
    runs = "<si><r><t>T</t></r><r><t>EE</t></r><rPh sb='0' eb='1'><t>tii</t></rPh></si>"
    assert rows(SHARED) == READ
    content = edited(
        SHARED,
        {"xl/sharedStrings.xml": lambda text: text.replace("<si><t>TEE</t></si>", runs)},
    )
    assert rows(content) == READ


def test_a_strict_workbook_is_read() -> None:
    old, new = "http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://purl.oclc.org/x"
    parts = ("xl/workbook.xml", SHEET, "xl/sharedStrings.xml", "xl/styles.xml")
    content = edited(workbook(*PLAIN), dict.fromkeys(parts, lambda text: text.replace(old, new)))
    assert rows(content) == READ


def test_a_workbook_with_macros_is_refused() -> None:
    content = edited(
        workbook(*PLAIN),
        {
            "[Content_Types].xml": lambda text: text.replace(
                "vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
                "vnd.ms-excel.sheet.macroEnabled.main+xml",
            )
        },
    )
    assert "holds macros" in refusal(content)


def archive(*parts: tuple[str, bytes], how: int = ZIP_DEFLATED) -> bytes:
    file = BytesIO()
    with ZipFile(file, "w", how) as made:
        for name, content in parts:
            made.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04 no archive", "damaged"),
        (archive(("readme.txt", b"hello")), "damaged"),
        (archive(), "damaged"),
        (archive(("mimetype", b"application/vnd.oasis.opendocument.spreadsheet")), "OpenDocument"),
        (workbook(*PLAIN)[:-40], "damaged"),
        (workbook(*PLAIN)[:2000], "damaged"),
        (edited(workbook(*PLAIN), {SHEET: None}), "damaged"),
        (edited(workbook(*PLAIN), {"xl/workbook.xml": None}), "damaged"),
        (edited(workbook(*PLAIN), {"[Content_Types].xml": None}), "damaged"),
        (edited(workbook(*PLAIN), {SHEET: lambda _: "no XML"}), "damaged"),
        (edited(SHARED, {"xl/sharedStrings.xml": None}), "damaged"),
    ],
)
def test_an_archive_that_is_no_workbook_is_refused(content: bytes, said: str) -> None:
    assert said in refusal(content)


def test_a_damaged_byte_within_a_part_is_noticed() -> None:
    content = bytearray(workbook(*PLAIN))
    with ZipFile(BytesIO(bytes(content))) as made:
        at = made.getinfo(SHEET).header_offset + 30 + len(SHEET) + 20
    content[at] ^= 0xFF
    assert "damaged" in refusal(bytes(content))


def test_parts_of_one_name_or_of_another_compression_are_refused() -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = archive(("xl/workbook.xml", b"<a/>"), ("xl/workbook.xml", b"<b/>"))
    assert "damaged" in refusal(twice)
    other = archive(("_rels/.rels", b"<Relationships/>"), how=ZIP_BZIP2)
    assert "damaged" in refusal(other)


def test_entities_are_not_expanded() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><worksheet/>'
    assert "damaged" in refusal(edited(workbook(*PLAIN), {SHEET: lambda _: bomb}))


def test_a_part_that_unpacks_to_too_much_is_not_unpacked() -> None:
    content = edited(workbook(*PLAIN), {SHEET: lambda text: text + " " * 40_000_000})
    assert len(content) < files.MAX_BYTES
    assert "far larger than it looks" in refusal(content)


def test_a_sheet_of_more_rows_than_are_taken_is_refused_without_reading_all() -> None:
    many = "".join(f'<row r="{n}"><c r="A{n}"><v>1</v></c></row>' for n in range(4, 20_000))
    content = with_sheet(workbook(*PLAIN), "</sheetData>", f"{many}<row r='1'></sheetData>")
    assert "more than 10,000 rows" in refusal(content)


def test_empty_rows_count_for_nothing() -> None:
    many = "".join(f'<row r="{n}"/>' for n in range(4, 30_000))
    content = with_sheet(workbook(*PLAIN), "</sheetData>", f"{many}</sheetData>")
    assert rows(content) == READ


def test_a_sheet_of_more_elements_than_any_needs_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(package, "MAX_ELEMENTS", 1000)
    content = with_sheet(workbook(*PLAIN), "</sheetData>", f"{'<a/>' * 1000}</sheetData>")
    assert "far larger than it looks" in refusal(content)


def test_a_cell_far_to_the_right_is_noticed() -> None:
    content = with_sheet(workbook(*PLAIN), "<v>7</v></c>", '<v>7</v></c><c r="XFD3"><v>1</v></c>')
    assert "Row 3 has more cells" in refusal(content)


@pytest.mark.parametrize("seed", range(60))
def test_no_damage_is_more_than_a_refusal(seed: int) -> None:
    """Flip and cut bytes all over a workbook: it is read, or refused, and nothing else."""
    content = bytearray(SHARED)
    for step in range(8):
        at = zlib.crc32(f"{seed}:{step}".encode()) % len(content)
        content[at] ^= 1 << (seed + step) % 8
    with suppress(FileRefused):
        assert rows(bytes(content))
