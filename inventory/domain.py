"""The rules of sales and stock, as pure functions and values.

>>> parse_sku_spec("TEE:500:25.00", "EUR")
SkuSpec(code='TEE', quantity=500, price=Decimal('25.00'))
>>> opens = datetime(2026, 11, 27, 12, tzinfo=UTC)
>>> window = {"opens_at": opens, "closes_at": None, "closed_at": None}
>>> sale_state(now=opens, paused=False, **window).value
'open'
>>> sale_state(now=opens, paused=True, **window).value
'paused'
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from .errors import InvalidSkuSpec
from .money import AmountRefused, parse_amount

# Bounds that all which hold these values share: Python, PostgreSQL, the numbers of Lua and of JSON.
MAX_QUANTITY = 1_000_000_000  # units of a SKU in a sale, in an order, or that one customer may buy
MAX_ALLOCATED = 1_000_000_000_000  # the most that the ledger counts, from any source
MAX_UNIT_PRICE = Decimal(99_999_999)
MAX_HOLD_SECONDS = 30 * 24 * 3600
# When a sale may open and close. Python's years go from 1 to 9999 in each zone's own time, those of
# PostgreSQL further; Redis gets milliseconds since 1970.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC)
_WHOLE = re.compile(r"[0-9]{1,10}")
SKU_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class SaleState(StrEnum):
    """The state of a sale at one moment, as the API writes it."""

    SCHEDULED = "scheduled"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


def sale_state(
    *,
    now: datetime,
    opens_at: datetime,
    closes_at: datetime | None,
    paused: bool,
    closed_at: datetime | None,
) -> SaleState:
    """Return what a sale is at `now`. Closed wins over paused, and paused over its window."""
    if closed_at is not None or (closes_at is not None and closes_at <= now):
        return SaleState.CLOSED
    if paused:
        return SaleState.PAUSED
    return SaleState.SCHEDULED if now < opens_at else SaleState.OPEN


@dataclass(frozen=True, slots=True)
class SkuSpec:
    """One `--sku CODE:QTY[:PRICE]`: so many units of a SKU, at a price if one is given."""

    code: str
    quantity: int
    price: Decimal | None


def parse_sku_spec(text: str, currency: str) -> SkuSpec:
    """Read `CODE:QTY[:PRICE]`. Raises InvalidSkuSpec that says what is wrong with it."""
    code, *rest = text.split(":")
    if not 1 <= len(rest) <= 2:
        raise InvalidSkuSpec(text, "expected CODE:QTY or CODE:QTY:PRICE")
    if not is_sku_code(code):
        raise InvalidSkuSpec(text, "a SKU is 1-64 letters, digits, dots, dashes and underscores")
    return SkuSpec(
        code=code,
        quantity=_quantity(text, rest[0]),
        price=_price(text, rest[1], currency) if len(rest) == 2 else None,
    )


def in_time(moment: datetime) -> bool:
    """Tell whether a sale may open or close at `moment`, which has a zone."""
    # First by the year: what lies outside of it may have no equal in UTC.
    return EARLIEST.year <= moment.year <= LATEST.year and EARLIEST <= moment <= LATEST


def is_sku_code(code: str) -> bool:
    """Tell whether `code` can name a SKU."""
    return SKU_CODE.fullmatch(code) is not None


def _quantity(text: str, value: str) -> int:
    if not (_WHOLE.fullmatch(value) and 1 <= int(value) <= MAX_QUANTITY):
        raise InvalidSkuSpec(text, f"the quantity is a whole number from 1 to {MAX_QUANTITY:,}")
    return int(value)


def _price(text: str, value: str, currency: str) -> Decimal:
    try:
        price = parse_amount(value, currency)
    except AmountRefused as error:
        raise InvalidSkuSpec(text, str(error)) from None
    if price > MAX_UNIT_PRICE:
        raise InvalidSkuSpec(text, f"the price is between 0 and {MAX_UNIT_PRICE:,}")
    return price
