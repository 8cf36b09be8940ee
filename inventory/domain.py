"""The rules of sales and stock, as pure functions and values."""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from .errors import InvalidSkuSpec

MAX_QUANTITY = 1_000_000
MAX_UNIT_PRICE = Decimal(99_999_999)
SKU_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

# ISO 4217: currencies whose minor unit is not a hundredth.
_MINOR_DIGITS = dict.fromkeys(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(), 0
) | dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3)


class SaleState(StrEnum):
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


def minor_digits(currency: str) -> int:
    """Return how many decimal places an amount in `currency` (ISO 4217) has."""
    return _MINOR_DIGITS.get(currency, 2)


def to_minor(amount: Decimal, currency: str) -> int:
    """Return `amount` in minor units (cents). Raises ValueError where that would lose something."""
    minor = amount.scaleb(minor_digits(currency))
    if minor != int(minor):
        raise ValueError(f"{amount} {currency} has more decimal places than {currency} has")
    return int(minor)


def from_minor(minor: int, currency: str) -> Decimal:
    """Return `minor` units (cents) as an exact amount."""
    return Decimal(minor).scaleb(-minor_digits(currency))


def format_minor(minor: int, currency: str) -> str:
    """Return `minor` units as the API writes amounts: "12.00", or "1200" in yen."""
    digits = minor_digits(currency)
    if digits == 0:
        return str(minor)
    whole, rest = divmod(minor, 10**digits)
    return f"{whole}.{rest:0{digits}d}"


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


def is_sku_code(code: str) -> bool:
    """Tell whether `code` can name a SKU."""
    return SKU_CODE.fullmatch(code) is not None


def _quantity(text: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= MAX_QUANTITY):
        raise InvalidSkuSpec(text, f"the quantity is a whole number from 1 to {MAX_QUANTITY:,}")
    return int(value)


def _price(text: str, value: str, currency: str) -> Decimal:
    try:
        price = Decimal(value)
        to_minor(price, currency)
    except (InvalidOperation, ValueError, OverflowError):
        raise InvalidSkuSpec(text, f"the price is an exact amount in {currency}") from None
    if not 0 <= price <= MAX_UNIT_PRICE:
        raise InvalidSkuSpec(text, f"the price is between 0 and {MAX_UNIT_PRICE:,}")
    return price


# --- What the counters answer to an order -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Accepted:
    """The stock is held and the order is in the outbox."""

    now_ms: int
    held_until_ms: int  # 0: for good


@dataclass(frozen=True, slots=True)
class AcceptedBefore:
    """The same request was accepted earlier, under this order id."""

    order_id: bytes
    now_ms: int
    held_until_ms: int
    note: bytes  # what the caller had put aside with its request
    answered_persisted: bool  # the first answer was given after persistence


@dataclass(frozen=True, slots=True)
class SoldOut:
    shortages: dict[int, int]  # line -> units that were available
    replayed: bool


@dataclass(frozen=True, slots=True)
class LimitReached:
    taken: int
    limit: int
    replayed: bool


@dataclass(frozen=True, slots=True)
class KeyReused:
    """The idempotency key belongs to a different request."""


@dataclass(frozen=True, slots=True)
class NotOpen:
    opens_at_ms: int | None  # None: paused


@dataclass(frozen=True, slots=True)
class Closed:
    pass


@dataclass(frozen=True, slots=True)
class BacklogFull:
    pass


@dataclass(frozen=True, slots=True)
class NoCounter:
    line: int


Outcome = (
    Accepted
    | AcceptedBefore
    | SoldOut
    | LimitReached
    | KeyReused
    | NotOpen
    | Closed
    | BacklogFull
    | NoCounter
)


@dataclass(frozen=True, slots=True)
class Reservation:
    """What one order asks of the counters."""

    digest: bytes  # 16 bytes that stand for client and idempotency key
    fingerprint: bytes  # 16 bytes that stand for the request's content
    order_id: bytes
    customer: str
    note: bytes
    payload: bytes
    lines: list[tuple[int, int]]  # allocation, quantity


@dataclass(frozen=True, slots=True)
class Release:
    """What one order gives back."""

    order_id: bytes
    customer: str
    lines: list[tuple[int, int]]  # allocation, quantity


@dataclass(frozen=True, slots=True)
class SkuCounters:
    available: int
    taken: int
    returned: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A sale's counters and the point up to which they count."""

    epoch: int
    position: int  # of the last order accepted
    releases: int  # how many releases are counted in
    skus: dict[int, SkuCounters]  # by allocation


# A stream id is milliseconds and a number within the millisecond; as one integer it sorts the same
# and fits PostgreSQL's bigint until the year 2248.
_SEQUENCE_BITS = 20


def position_of(entry_id: bytes) -> int:
    """Return a stream id such as b"1700000000000-3" as a single ordered integer."""
    milliseconds, _, sequence = entry_id.partition(b"-")
    return (int(milliseconds) << _SEQUENCE_BITS) | int(sequence)


def entry_id_of(position: int) -> bytes:
    """Return the stream id at `position`: the inverse of `position_of`."""
    return b"%d-%d" % (position >> _SEQUENCE_BITS, position & ((1 << _SEQUENCE_BITS) - 1))
