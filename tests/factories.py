"""Accepted orders without the intake: entries as the outbox holds them, and what becomes of them.

Nothing here touches the counters in Redis: a test that compares both sides orders through the API.
"""

import itertools
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from inventory.models import Sale
from inventory.money import to_minor
from inventory.outbox import Entry
from orders.domain import (
    LineRecord,
    OrderRecord,
    encode_record,
    new_order_id,
    request_fingerprint,
)
from orders.errors import Unpersistable
from orders.models import ApiClient, DeadLetter, Order
from orders.persistence.drain import persist_entries
from orders.services import dead_letters
from shop.core import clock

ONE_TEE: Mapping[str, int] = {"TEE": 1}
_numbers = itertools.count(1)


def order_record(
    sale: Sale,
    client: ApiClient,
    lines: Mapping[str, int] = ONE_TEE,
    *,
    key: str | None = None,
    customer: str = "ada",
    accepted_at_ms: int | None = None,
    **changes: Any,
) -> OrderRecord:
    """An order as the intake would have accepted it; `changes` replace fields of the record."""
    now_ms = accepted_at_ms or clock.to_ms(clock.now())
    allocations = {row.product.sku: row for row in sale.allocations.select_related("product")}
    fields: dict[str, Any] = {
        "order_id": new_order_id(sale.pk, now_ms),
        "client_id": client.pk,
        "sale_id": sale.pk,
        "sale": sale.slug,
        "request_key": key or f"key-{next(_numbers)}",
        "fingerprint": request_fingerprint([sale.slug, customer, dict(lines)]),
        "customer": customer,
        "email": "",
        "currency": sale.currency,
        "lines": [
            LineRecord(
                allocation_id=allocations[sku].pk,
                sku=sku,
                quantity=quantity,
                unit_price=to_minor(allocations[sku].unit_price, sale.currency),
            )
            for sku, quantity in lines.items()
        ],
        "metadata": {},
        "http_request_id": "",
    }
    return OrderRecord(**fields | changes)


def entry_of(record: OrderRecord, sale: Sale, *, accepted_at_ms: int | None = None) -> Entry:
    """The outbox entry that holds `record`; held for the sale's time where it takes payment."""
    now_ms = accepted_at_ms or clock.to_ms(clock.now())
    pays = sale.payment == Sale.Payment.REQUIRED
    return Entry(
        entry_id=b"%d-%d" % (now_ms, next(_numbers)),
        payload=encode_record(record),
        accepted_at_ms=now_ms,
        held_until_ms=now_ms + sale.hold_seconds * 1000 if pays else 0,
        epoch=sale.epoch,
    )


def accepted_entry(
    sale: Sale,
    client: ApiClient,
    lines: Mapping[str, int] = ONE_TEE,
    *,
    key: str | None = None,
    customer: str = "ada",
    accepted_at_ms: int | None = None,
    **changes: Any,
) -> Entry:
    """An accepted order in the outbox: `accepted_entry(sale, client, {"TEE": 2}, key="k-1")`."""
    record = order_record(
        sale,
        client,
        lines,
        key=key,
        customer=customer,
        accepted_at_ms=accepted_at_ms,
        **changes,
    )
    return entry_of(record, sale, accepted_at_ms=accepted_at_ms)


def persisted_order(
    sale: Sale, client: ApiClient, lines: Mapping[str, int] = ONE_TEE, **changes: Any
) -> Order:
    """An order in PostgreSQL, with its lines, movements and first event; takes what
    `accepted_entry` takes."""
    [order_id] = persist_entries(sale.pk, [accepted_entry(sale, client, lines, **changes)])
    return Order.objects.get(pk=UUID(bytes=order_id))


def dead_letter(
    sale: Sale, client: ApiClient, lines: Mapping[str, int] = ONE_TEE, **changes: Any
) -> DeadLetter:
    """A dead letter with nothing wrong about it any more: a replay makes it an order."""
    return kept(sale, accepted_entry(sale, client, lines, **changes))


def unreadable_dead_letter(sale: Sale, payload: bytes = b"\x00not an order") -> DeadLetter:
    """A dead letter whose payload holds no order."""
    now_ms = clock.to_ms(clock.now())
    entry = Entry(b"%d-%d" % (now_ms, next(_numbers)), payload, now_ms, 0, sale.epoch)
    return kept(sale, entry, reason="unreadable")


def kept(sale: Sale, entry: Entry, *, reason: str = "refused") -> DeadLetter:
    """`entry` as a dead letter."""
    dead_letters.keep(sale.pk, entry, Unpersistable(reason, "put aside by a test"))
    return DeadLetter.objects.get(sale=sale, entry_id=entry.entry_id.decode())
