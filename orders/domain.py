"""The rules of orders, as pure functions and values.

>>> order_id = uuid.UUID(bytes=new_order_id(sale_id=7, now_ms=1_795_780_800_000))
>>> sale_id_of(order_id), parse_order_id(str(order_id)) == order_id
(7, True)
>>> SkuBalance("TEE", allocated=500, available=480, in_flight=3, held=10, sold=6).drift
1
"""

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec


class PaymentMessageType(StrEnum):
    """The kinds of payment messages, the same for every provider."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUNDED = "refunded"


class Status(StrEnum):
    """Where an order stands, as the API writes it. `orders/lifecycle.py` says what leads where."""

    ACCEPTED = "accepted"  # held in Redis, not yet in PostgreSQL: the only status without a row
    AWAITING_PAYMENT = "awaiting_payment"
    CONFIRMED = "confirmed"
    PAID = "paid"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    REFUNDED = "refunded"


# Where an order's units are in the ledger, by status.
HOLDING = (Status.AWAITING_PAYMENT,)
SELLING = (Status.CONFIRMED, Status.PAID)
RELEASED = (Status.CANCELLED, Status.EXPIRED, Status.REJECTED, Status.REFUNDED)


class EventType(StrEnum):
    """The kinds of events that a webhook or a mail reports."""

    PLACED = "order.placed"
    PAID = "order.paid"
    CANCELLED = "order.cancelled"
    EXPIRED = "order.expired"
    REJECTED = "order.rejected"
    REFUNDED = "order.refunded"


class Rejection(StrEnum):
    """Why PostgreSQL refused what Redis had accepted."""

    OVERSOLD = "oversold"  # the ledger has no free units left
    REQUEST_REUSED = (
        "request-reused"  # the client has another order of the sale under the same request id
    )


# --- Order ids ----------------------------------------------------------------------------------

# An order id is a UUIDv8 (RFC 9562, section 5.8): 48 bits of Unix milliseconds, so that ids sort by
# time and the primary key grows at one end; 24 bits of the sale's number, so that an order which
# only Redis knows yet is found without an index over all sales; and 50 random bits.
_VERSION_8 = 0x8 << 76
_VARIANT = 0b10 << 62


def new_order_id(sale_id: int, now_ms: int) -> bytes:
    """Return a new order id of `sale_id`, as 16 bytes."""
    value = (
        (now_ms << 80)
        | _VERSION_8
        | ((sale_id >> 12) << 64)
        | _VARIANT
        | ((sale_id & 0xFFF) << 50)
        | secrets.randbits(50)
    )
    return value.to_bytes(16, "big")


def sale_id_of(order_id: uuid.UUID) -> int | None:
    """Return the number of the sale that an order id belongs to, None if it is no order id."""
    if order_id.version != 8 or order_id.variant != uuid.RFC_4122:
        return None
    value = order_id.int
    return ((value >> 64 & 0xFFF) << 12) | (value >> 50 & 0xFFF)


def parse_order_id(text: str) -> uuid.UUID | None:
    """Return an order id as the API writes it (hyphenated, any case), None if it is none."""
    try:
        order_id = uuid.UUID(text)
    except ValueError:
        return None
    return order_id if str(order_id) == text.lower() and sale_id_of(order_id) else None


def format_order_id(order_id: bytes) -> str:
    """Return 16 bytes as the API writes an order id."""
    digits = order_id.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


# --- Requests -----------------------------------------------------------------------------------


def request_digest(client_id: int, key: str) -> bytes:
    """Return 16 bytes that stand for one client's idempotency key, within a sale."""
    return hashlib.blake2b(b"%d:%b" % (client_id, key.encode()), digest_size=16).digest()


def request_fingerprint(request: Any) -> bytes:
    """Return 16 bytes that stand for a request's content, whatever its spacing or key order."""
    canonical = msgspec.json.encode(request, order="deterministic")
    return hashlib.blake2b(canonical, digest_size=16).digest()


# --- The outbox record --------------------------------------------------------------------------


class LineRecord(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One line of an order in the outbox."""

    allocation_id: int
    sku: str
    quantity: int
    unit_price: int  # minor units


class OrderRecord(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An accepted order as it travels through the outbox."""

    order_id: bytes
    client_id: int
    sale_id: int
    sale: str
    request_key: str
    fingerprint: bytes
    customer: str
    email: str
    currency: str
    lines: list[LineRecord]
    metadata: dict[str, Any]  # for workers of an earlier version
    http_request_id: str
    traceparent: str = ""  # the trace it belongs to; older records have none
    metadata_text: str = ""  # JSON as the client wrote it; older records have none

    @property
    def total(self) -> int:
        """In minor units."""
        return sum(line.quantity * line.unit_price for line in self.lines)

    @property
    def metadata_as_given(self) -> str:
        """A JSON object, as text."""
        return self.metadata_text or msgspec.json.encode(self.metadata).decode()


_record_encoder = msgspec.msgpack.Encoder()
_record_decoder = msgspec.msgpack.Decoder(OrderRecord)


def earlier_metadata(text: str) -> dict[str, Any]:
    """Return metadata as workers of an earlier version know it: JSON's values, without
    those that MessagePack cannot hold."""
    if text == "{}":
        return {}
    try:
        metadata = msgspec.json.decode(text, type=dict[str, Any])
        _record_encoder.encode(metadata)
    except (msgspec.MsgspecError, OverflowError, RecursionError):
        return {}
    return metadata


def encode_record(record: OrderRecord) -> bytes:
    """Return `record` as bytes (MessagePack)."""
    return _record_encoder.encode(record)


def decode_record(payload: bytes) -> OrderRecord:
    """Return the record that `payload` holds. Raises msgspec.DecodeError if it holds none."""
    return _record_decoder.decode(payload)


# --- Totals over orders -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SkuBalance:
    """One SKU of a sale, both sides at one watermark."""

    sku: str
    allocated: int
    available: int
    in_flight: int
    held: int
    sold: int

    @property
    def drift(self) -> int:
        """Units that are missing (positive) or too many (negative); 0 where the promise holds."""
        return self.allocated - (self.available + self.in_flight + self.held + self.sold)
