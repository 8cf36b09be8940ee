"""Reads of orders: from PostgreSQL, and before they are there from the outbox."""

from collections.abc import Sequence
from uuid import UUID

from django.db import OperationalError

from inventory import counters, outbox
from inventory.errors import CountersLost
from inventory.money import to_minor
from inventory.selectors import sales_on_record
from shop.core import clock

from .domain import OrderRecord, Status, decode_record, format_order_id, sale_id_of
from .errors import OrderLost
from .models import DeadLetter, LostOrder, Order
from .representation import OrderView, order_view


def find_order(order_id: UUID, *, client_id: int) -> OrderView | None:
    """Return an order of this client, wherever it is on its way; None if the client has none such.

    It is looked for in the ledger, then in the outbox, then once more in the ledger: between the
    two looks it may have been persisted. While PostgreSQL is away, the outbox alone may know.
    Raises OrderLost, and CountersLost while nobody can tell; DatabaseError, redis.RedisError.
    """
    try:
        return (
            _persisted(order_id, client_id)
            or _in_outbox(order_id, client_id)
            or _persisted(order_id, client_id)
            or _dead_letter(order_id, client_id)
            or _nowhere(order_id, client_id)
        )
    except OperationalError:
        if view := _in_outbox(order_id, client_id):
            return view
        raise


def statuses(order_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the status of those orders that are persisted."""
    return dict(Order.objects.filter(pk__in=order_ids).values_list("pk", "status"))


def record_on_its_way(order_id: UUID) -> OrderRecord | None:
    """Return an accepted order that is not in the ledger yet, whoever placed it."""
    sale_id = sale_id_of(order_id)
    entry = outbox.find(sale_id, order_id.bytes) if sale_id else None
    if entry is not None:
        return decode_record(entry.payload)
    letter = DeadLetter.objects.filter(order_id=order_id, resolution="").first()
    return decode_record(bytes(letter.payload)) if letter else None


def is_given_up(order_id: UUID) -> bool:
    """Tell whether an accepted order became a dead letter that a person has rejected."""
    rejected = DeadLetter.Resolution.REJECTED
    return DeadLetter.objects.filter(order_id=order_id, resolution=rejected).exists()


def _persisted(order_id: UUID, client_id: int) -> OrderView | None:
    order = Order.objects.select_related("sale").filter(pk=order_id, client=client_id).first()
    if order is None:
        return None
    lines = order.lines.values_list("allocation__product__sku", "quantity", "unit_price")
    return order_view(
        order_id=str(order.pk),
        sale=order.sale.slug,
        customer=order.customer,
        status=order.status,
        lines=[(sku, count, to_minor(price, order.currency)) for sku, count, price in lines],
        currency=order.currency,
        accepted_at_ms=clock.to_ms(order.accepted_at),
        held_until_ms=clock.to_ms(order.hold_expires_at) if order.hold_expires_at else 0,
        metadata=order.metadata,
        refund_due=to_minor(order.refund_due, order.currency) if order.refund_due else 0,
    )


def _in_outbox(order_id: UUID, client_id: int) -> OrderView | None:
    sale_id = sale_id_of(order_id)
    entry = outbox.find(sale_id, order_id.bytes) if sale_id else None
    if entry is None:
        return None
    record = decode_record(entry.payload)
    if record.client_id != client_id:
        return None
    return accepted_view(record, entry.accepted_at_ms, entry.held_until_ms, Status.ACCEPTED)


def _dead_letter(order_id: UUID, client_id: int) -> OrderView | None:
    letter = DeadLetter.objects.filter(order_id=order_id, client_id=client_id).first()
    if letter is None:
        return None
    rejected = letter.resolution == DeadLetter.Resolution.REJECTED
    return accepted_view(
        decode_record(bytes(letter.payload)),
        letter.accepted_at_ms,
        letter.held_until_ms,
        Status.REJECTED if rejected else Status.ACCEPTED,
    )


def _nowhere(order_id: UUID, client_id: int) -> OrderView | None:
    """Return None for an order that never was; raise what else is to be said of one in no store."""
    if LostOrder.objects.filter(order_id=order_id, client=client_id, confirmed=True).exists():
        raise OrderLost(order_id)
    sale = sales_on_record(now=clock.now()).filter(pk=sale_id_of(order_id) or 0).first()
    if sale is not None and not counters.are_there(sale.pk, epoch=sale.epoch):
        raise CountersLost(sale.slug)
    return None


def accepted_view(
    record: OrderRecord, accepted_at_ms: int, held_until_ms: int, status: Status
) -> OrderView:
    """Return an order that is not in PostgreSQL, for the API."""
    return order_view(
        order_id=format_order_id(record.order_id),
        sale=record.sale,
        customer=record.customer,
        status=status.value,
        lines=[(line.sku, line.quantity, line.unit_price) for line in record.lines],
        currency=record.currency,
        accepted_at_ms=accepted_at_ms,
        held_until_ms=held_until_ms,
        metadata=record.metadata,
    )
