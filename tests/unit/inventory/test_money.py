"""Exact money."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from inventory import money


@given(st.integers(0, 10**15), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_money_survives_every_way_it_is_written(minor: int, currency: str) -> None:
    amount = money.from_minor(minor, currency)
    assert money.to_minor(amount, currency) == minor
    assert money.to_minor(Decimal(money.format_minor(minor, currency)), currency) == minor


def test_amounts_are_written_with_the_currencys_digits() -> None:
    written = [money.format_minor(1205, currency) for currency in ("EUR", "JPY", "KWD")]
    assert written == ["12.05", "1205", "1.205"]
