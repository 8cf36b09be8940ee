"""The pure rules of sales, stock and money."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import domain
from inventory.domain import SaleState, SkuSpec, parse_sku_spec, sale_state
from inventory.errors import InvalidSkuSpec

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, SaleState.OPEN),
        ({"opens_at": NOON + HOUR}, SaleState.SCHEDULED),
        ({"paused": True}, SaleState.PAUSED),
        ({"opens_at": NOON + HOUR, "paused": True}, SaleState.PAUSED),
        ({"closes_at": NOON}, SaleState.CLOSED),
        ({"closes_at": NOON + HOUR}, SaleState.OPEN),
        ({"closed_at": NOON - HOUR, "paused": True}, SaleState.CLOSED),
    ],
)
def test_a_sale_is_closed_before_paused_before_its_window(
    changes: dict[str, Any], state: SaleState
) -> None:
    sale: dict[str, Any] = {"opens_at": NOON, "closes_at": None, "paused": False, "closed_at": None}
    assert sale_state(now=NOON, **sale | changes) is state


def test_a_sku_spec_is_read() -> None:
    assert parse_sku_spec("TEE-1:5", "EUR") == SkuSpec("TEE-1", 5, None)
    assert parse_sku_spec("TEE-1:5:12.50", "EUR") == SkuSpec("TEE-1", 5, Decimal("12.50"))
    assert parse_sku_spec("TEE:5:1200", "JPY").price == Decimal(1200)


@pytest.mark.parametrize(
    "text",
    [
        "TEE",
        "TEE:",
        ":5",
        "TEE:0",
        "TEE:-1",
        "TEE:1.5",
        "TEE:1:x",
        "TEE:1:-1",
        "TEE:1:NaN",
        "TEE:1:1:1",
        "TEE:1:0.001",
        "TEE:1:Infinity",
        "TEE:1:1e400",
        "T E:1",
        "TEE\n:1",
        "TEE:٣",
        "TEE:99999999999",
    ],
)
def test_a_sku_spec_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(InvalidSkuSpec) as refused:
        parse_sku_spec(text, "EUR")
    assert repr(text) in str(refused.value)


def test_half_a_yen_is_refused() -> None:
    with pytest.raises(InvalidSkuSpec, match="exact amount in JPY"):
        parse_sku_spec("TEE:1:0.5", "JPY")


@given(st.integers(0, 10**15), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_money_survives_every_way_it_is_written(minor: int, currency: str) -> None:
    amount = domain.from_minor(minor, currency)
    assert domain.to_minor(amount, currency) == minor
    assert domain.to_minor(Decimal(domain.format_minor(minor, currency)), currency) == minor


def test_amounts_are_written_with_the_currencys_digits() -> None:
    written = [domain.format_minor(1205, currency) for currency in ("EUR", "JPY", "KWD")]
    assert written == ["12.05", "1205", "1.205"]


@given(st.integers(0, 2**41 - 1), st.integers(0, 2**20 - 1))
def test_a_position_sorts_like_its_stream_id_and_leads_back_to_it(ms: int, number: int) -> None:
    entry_id = b"%d-%d" % (ms, number)
    position = domain.position_of(entry_id)
    assert domain.entry_id_of(position) == entry_id
    assert position < 2**63
    assert position < domain.position_of(b"%d-%d" % (ms + 1, 0))
