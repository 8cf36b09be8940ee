"""Exact money, and the currencies there are."""

import runpy
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import money
from inventory.iso_4217 import MINOR_UNITS
from inventory.money import AmountRefused

GENERATOR = Path(__file__).parents[3] / "ops" / "iso_4217" / "generate.py"


@given(st.integers(0, 10**15), st.sampled_from(["EUR", "JPY", "KWD", "CLF"]))
def test_money_survives_every_way_it_is_written(minor: int, currency: str) -> None:
    amount = money.from_minor(minor, currency)
    assert money.to_minor(amount, currency) == minor
    assert money.to_minor(Decimal(money.format_minor(minor, currency)), currency) == minor


def test_amounts_are_written_with_the_currencys_digits() -> None:
    written = [money.format_minor(1205, currency) for currency in ("EUR", "JPY", "KWD", "UYW")]
    assert written == ["12.05", "1205", "1.205", "0.1205"]


@pytest.mark.parametrize(
    ("currency", "places"),
    [("EUR", 2), ("ISK", 0), ("HUF", 2), ("UYI", 0), ("TND", 3), ("CLF", 4), ("UYW", 4)],
)
def test_a_currency_has_the_places_of_iso_4217(currency: str, places: int) -> None:
    assert money.is_currency(currency)
    assert money.minor_digits(currency) == places


@pytest.mark.parametrize(
    "code",
    ["EUE", "XXX", "XTS", "XAU", "XDR", "BGN", "ZWL", "eur", "Eur", "EUR ", "ＥＵＲ", "€", ""],
)
def test_what_nothing_can_be_sold_for_is_no_currency(code: str) -> None:
    assert not money.is_currency(code)


def test_a_currency_that_has_ended_can_still_be_read() -> None:
    assert money.format_amount(Decimal("12.50"), "BGN") == "12.50"


@pytest.mark.parametrize(
    "text",
    [
        *"1e3 -1 -0 +1 1_000 1,5 1. .5 ١٢ 0x1 NaN Infinity 1.005 1.0000 1e99999999".split(),
        *("", " 1", "1\n", "1" * 4500),
    ],
)
def test_what_is_no_amount_in_euro_is_refused(text: str) -> None:
    with pytest.raises(AmountRefused):
        money.parse_amount(text, "EUR")


@pytest.mark.parametrize(
    ("text", "currency"), [("12", "EUR"), ("12.5", "EUR"), ("0.0001", "CLF"), ("12", "JPY")]
)
def test_an_amount_is_read_as_it_is_written(text: str, currency: str) -> None:
    assert money.parse_amount(text, currency) == Decimal(text)


@pytest.mark.parametrize(
    "amount",
    [
        "1e99999999",
        "1e-99999999",
        "NaN",
        "sNaN",
        "Infinity",
        "0.001",
        "1.00000000000000000000000000000000000001",
        "123456789012345678901234567890.01",
    ],
)
def test_what_cents_cannot_hold_is_refused_whatever_its_size(amount: str) -> None:
    with pytest.raises(AmountRefused):
        money.to_minor(Decimal(amount), "EUR")


def test_the_table_of_currencies_is_written_from_the_agencys_list() -> None:
    generator = runpy.run_path(str(GENERATOR))
    published, currencies = generator["read_list"](
        """<ISO_4217 Pblshd="2026-01-01"><CcyTbl>
        <CcyNtry><CtryNm>ANTARCTICA</CtryNm><CcyNm>No universal currency</CcyNm></CcyNtry>
        <CcyNtry><Ccy>XAU</Ccy><CcyMnrUnts>N.A.</CcyMnrUnts></CcyNtry>
        <CcyNtry><Ccy>EUR</Ccy><CcyMnrUnts>2</CcyMnrUnts></CcyNtry>
        <CcyNtry><Ccy>JPY</Ccy><CcyMnrUnts>0</CcyMnrUnts></CcyNtry>
        <CcyNtry><Ccy>EUR</Ccy><CcyMnrUnts>2</CcyMnrUnts></CcyNtry></CcyTbl></ISO_4217>"""
    )
    module: dict[str, dict[str, int]] = {}
    exec(generator["module"](published, currencies), module)
    assert module["MINOR_UNITS"] == {"EUR": 2, "JPY": 0}
    assert all(len(code) == 3 and 0 <= places <= 4 for code, places in MINOR_UNITS.items())


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("2.0000", "EUR", "2.00 EUR"),
        ("1200.0000", "JPY", "1200 JPY"),
        ("0.0010", "KWD", "0.001 KWD"),
    ],
)
def test_an_amount_is_written_with_its_currencys_places(
    amount: str, currency: str, written: str
) -> None:
    assert money.with_currency(Decimal(amount), currency) == written
