"""Entries that could not become orders: kept whole, replayed or rejected by a person."""

import logging
from collections import defaultdict
from uuid import UUID

import msgspec

from inventory.outbox import Entry
from orders.domain import OrderRecord, decode_record
from orders.errors import Unpersistable
from orders.models import DeadLetter
from shop.core.logs import correlation

logger = logging.getLogger(__name__)


def keep(sale_id: int, entry: Entry, error: Unpersistable) -> None:
    """Put `entry` into the dead letters with its reason; once, however often it comes."""
    record = record_in(entry)
    units: dict[str, int] = defaultdict(int)
    for line in record.lines if record else ():
        units[str(line.allocation_id)] += line.quantity
    _, created = DeadLetter.objects.get_or_create(
        sale_id=sale_id,
        entry_id=entry.entry_id.decode(),
        defaults={
            "order_id": _order_id(record),
            "client_id": record.client_id if record else None,
            "epoch": entry.epoch,
            "accepted_at_ms": entry.accepted_at_ms,
            "held_until_ms": entry.held_until_ms,
            "payload": entry.payload,
            "units": units,
            "reason": error.reason[:64],
            "detail": error.detail[:2000].replace("\0", "\\0"),
        },
    )
    if created:
        request_id = record.http_request_id if record else ""
        with correlation.about(order_id=_order_id(record), request_id=request_id):
            logger.error("sale %s: entry %s is a dead letter: %s", sale_id, entry.entry_id, error)


def entry_of(letter: DeadLetter) -> Entry:
    """Return the outbox entry that a dead letter was."""
    return Entry(
        entry_id=letter.entry_id.encode(),
        payload=bytes(letter.payload),
        accepted_at_ms=letter.accepted_at_ms,
        held_until_ms=letter.held_until_ms,
        epoch=letter.epoch,
    )


def record_of(letter: DeadLetter) -> OrderRecord | None:
    """Return the order that a dead letter would have become, None where it cannot be read."""
    return record_in(entry_of(letter))


def record_in(entry: Entry) -> OrderRecord | None:
    """Return the order that an entry holds, None where it cannot be read."""
    try:
        return decode_record(entry.payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _order_id(record: OrderRecord | None) -> UUID | None:
    return UUID(bytes=record.order_id) if record and len(record.order_id) == 16 else None
