"""A cell is read as a person sees it, or not at all: cell by cell, without a file."""

import pytest

from inventory.imports.cells import Cell, Kind
from inventory.imports.shown import Unclear, amount_of, code_of, text_of, units_of


def text(raw: str, number_format: str = "General") -> Cell:
    return Cell(Kind.TEXT, raw, number_format)


def number(raw: str, number_format: str = "General") -> Cell:
    return Cell(Kind.NUMBER, raw, number_format)


@pytest.mark.parametrize(
    ("cell", "sku"),
    [
        (text("TEE-M"), "TEE-M"),
        (text(" TEE-M "), "TEE-M"),
        (text("00123"), "00123"),
        (text("123456789012345678"), "123456789012345678"),
        (text("TRUE"), "TRUE"),  # written so, in a column of texts
        (text("1E5"), "1E5"),
        (text("2026-03-04"), "2026-03-04"),
        (text("00123", "@"), "00123"),
        (number("123"), "123"),
        (number("123", "0"), "123"),
        (number("123", "@"), "123"),
        (number("123", "00000"), "00123"),
        (number("0", "000"), "000"),
        (number("1001.0"), "1001"),
        (number("1E3"), "1000"),
        (number("4006381333931"), "4006381333931"),
        (number("999999999999999", "0"), "999999999999999"),
        (text(""), ""),
        (text("  "), ""),
    ],
)
def test_a_sku_is_what_is_shown(cell: Cell, sku: str) -> None:
    assert code_of(cell) == sku


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (number("1234567890123456"), "more than 15 digits"),
        (number("123456789012345678"), "more than 15 digits"),
        (number("1.23456789012346E+17"), "more than 15 digits"),
        (number("1E300"), "more than 15 digits"),
        (number("123", "#,##0"), "how it is shown depends"),
        (number("123", "0.00"), "how it is shown depends"),
        (number("12.5"), "how it is shown depends"),
        (number("123", '"SKU-"0000'), "how it is shown depends"),
        (number("123456", "000-000"), "between its digits"),
        (number("46085", "mm-dd-yy"), "as a date"),
        (number("0.5", "0%"), "as a percentage"),
        (number("123", ";;;"), "not at all"),
        (number("0", "#"), "not at all"),
        (number("-5"), "less than nothing"),
        (number("-0"), "less than nothing"),
        (number("1_000"), "no number that can be read"),
        (number("１２"), "no number that can be read"),
        (number("NaN"), "no number that can be read"),
        (number("0x10"), "no number that can be read"),
        (Cell(Kind.BOOLEAN, "1"), "TRUE is a truth value"),
        (Cell(Kind.BOOLEAN, "0"), "FALSE is a truth value"),
        (Cell(Kind.ERROR, "#REF!"), "#REF! is an error of a formula"),
        (Cell(Kind.DATE, "2026-03-04T00:00:00"), "is a date"),
        (Cell(Kind.NOT_CALCULATED, "A cell"), "formula without a stored result"),
        (text("#N/A"), "error of a formula"),
        (text("#NV"), "error of a formula"),
        (text("#BEZUG!"), "error of a formula"),
        (text("#NAME?"), "error of a formula"),
        (text("#DIV/0!"), "error of a formula"),
        (text("Err:502"), "error of a formula"),
        (text("#####"), "error of a formula"),
        (text("4.00638E+12"), "has shortened"),
        (text("TEE\xa0"), "U+00A0"),
        (text("TEE\u200b"), "U+200B"),
        (text("TEE\x00"), "U+0000"),
        (text("\u202eEET"), "U+202E"),
        (text("TEE\nCAP"), "line break"),
        (text("TEE", '"X-"@'), "shown otherwise"),
    ],
)
def test_a_sku_that_is_not_certain_is_refused_with_its_value_and_what_to_do(
    cell: Cell, said: str
) -> None:
    with pytest.raises(Unclear) as refused:
        code_of(cell)
    assert said in str(refused.value)


@pytest.mark.parametrize("name", ["Mug, blue", "Größe 42", "T-shirt 👩‍🚀", "#1 fan", "50 %", "501"])
def test_a_name_is_any_text_in_one_line(name: str) -> None:
    assert text_of(text(name)) == name


@pytest.mark.parametrize(
    "name", ["#N/A", "#WERT!", "a\tb", "a\r\nb", "M\ufffdller", "a\u202eb", ";;;\x07"]
)
def test_a_name_that_nobody_wrote_is_refused(name: str) -> None:
    with pytest.raises(Unclear):
        text_of(text(name))


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        (text("12.50"), "12.50"),
        (text(" 12.5 "), "12.5"),
        (text("0"), "0"),
        (text("0.99"), "0.99"),
        (text(""), ""),
        (number("12.5"), "12.5"),
        (number("12.5", "0.00"), "12.5"),
        (number("59.970000000000006"), "59.97"),
        (number("59.970000000000006", "0.00"), "59.97"),
        (number("0.30000000000000004", "0.00"), "0.3"),
        (number("1234.5", "#,##0.00"), "1234.5"),
        (number("1E2"), "100"),
        (number("12.5", "#,##0.00 [$€-407]"), "12.5"),
        (number("12.5", '"EUR" 0.00'), "12.5"),
        (number("25", "0"), "25"),
        (number("0", "0.00"), "0"),
    ],
)
def test_an_amount_is_what_is_shown(cell: Cell, amount: str) -> None:
    assert amount_of(cell, "EUR") == amount


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        *((text(raw), "no amount") for raw in ("1_000", "١٢", "1e3", "-0", "+5", "５", "1,50")),
        *(
            (text(raw), "no amount")
            for raw in ("1.000,00", "1,000.00", "1'000", "12.", ".5", "NaN")
        ),
        *((text(raw), "no amount") for raw in ("Infinity", "0x10", "12.50 €", "$5", "1 000", "5%")),
        *((text(raw), "holds a sign") for raw in ("5\u200b", "\ufeff5", "5\x1f")),
        (text("5\xa0"), "no amount"),
        (text("1\xa0000"), "no amount"),
        (text("1.000"), "write 1000 or 1."),
        (text("12.500"), "write 12500 or 12.5."),
        (text("1.005"), "more decimal places"),
        (text("5.0000"), "more decimal places"),
        (text("007"), "begins with a zero"),
        (text("9" * 4500), "no amount"),
        (number("12.345"), "more decimal places"),
        (number("12.5", "0"), "it is not certain which of the two is meant"),
        (number("33.333333333333336", "0.00"), "33.3333333333333 is shown as 33.33"),
        (number("0.19", "0%"), "as a percentage"),
        (number("12.5", "0.00E+00"), "as a power of ten"),
        (number("12.5", '"$"0.00'), "'$' beside it"),
        (number("12.5", "#,##0.00 [$USD]"), "'USD' beside it"),
        (number("12.5", '0.00" each"'), "'each' beside it"),
        (number("12500", "#,##0,"), "in thousands"),
        (number("-12.5"), "less than nothing"),
        (number("12,5"), "no number that can be read"),
        (number("46085", "dd.mm.yyyy"), "as a date"),
        (number("5.55111512312578E-17", "0.00"), "is shown as 0.00"),
        (number("1E15"), "more than 15 digits"),
        (Cell(Kind.BOOLEAN, "1"), "truth value"),
        (Cell(Kind.ERROR, "#VALUE!"), "error of a formula"),
        (Cell(Kind.NOT_CALCULATED, "A cell"), "without a stored result"),
    ],
)
def test_an_amount_that_is_not_certain_is_refused(cell: Cell, said: str) -> None:
    with pytest.raises(Unclear) as refused:
        amount_of(cell, "EUR")
    assert said in str(refused.value)


def test_an_amount_is_judged_by_its_currency() -> None:
    assert amount_of(text("1.500"), "KWD", point_is_decimal=True) == "1.500"
    assert amount_of(text("0.125"), "KWD") == "0.125"
    assert amount_of(number("12.5", '"$"#,##0.00'), "USD") == "12.5"
    for raw, currency in (("1.500", "KWD"), ("1.000", "JPY"), ("12.5", "JPY")):
        with pytest.raises(Unclear):
            amount_of(text(raw), currency)


@pytest.mark.parametrize(
    ("cell", "units"),
    [
        (text("5"), "5"),
        (text(" 5 "), "5"),
        (text("1000000"), "1000000"),
        (text("0"), "0"),  # which the sale refuses
        (number("5"), "5"),
        (number("5.0"), "5"),
        (number("1500", "#,##0"), "1500"),
        (number("500", "0.00"), "500"),
        (number("1E3"), "1000"),
        (number("2.9999999999999996"), "3"),
        (text(""), ""),
    ],
)
def test_a_quantity_is_a_whole_number(cell: Cell, units: str) -> None:
    assert units_of(cell) == units


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        *((text(raw), "whole number") for raw in ("1.000", "1,000", "1_000", "١٢", "1e3", "-0")),
        *((text(raw), "whole number") for raw in ("+5", "５", "2.5", "5.0", "007", "5 pcs", "½")),
        *((text(raw), "whole number") for raw in ("²", "5\xa0", "1 000", "0x10", "many")),
        (number("2.5"), "whole number"),
        (number("2.5", "0"), "2.5 is shown as 2"),
        (number("0.5", "0%"), "as a percentage"),
        (number("5", '0" dozen"'), "'dozen' beside it"),
        (number("5", '0.00" €"'), "'€' beside it"),
        (Cell(Kind.BOOLEAN, "1"), "truth value"),
    ],
)
def test_a_quantity_that_is_not_certain_is_refused(cell: Cell, said: str) -> None:
    with pytest.raises(Unclear) as refused:
        units_of(cell)
    assert said in str(refused.value)
