"""The pure rules of sales, stock and money."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

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
    with pytest.raises(InvalidSkuSpec, match="more decimal places than JPY"):
        parse_sku_spec("TEE:1:0.5", "JPY")
