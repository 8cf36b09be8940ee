"""What is known of an order, for a person at a terminal: where it is, and what happened to it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from inventory.models import StockMovement
from inventory.money import with_currency
from orders.errors import OrderUnknown
from orders.http.representation import OrderView
from orders.models import ApiClient, DeadLetter, Delivery, LostOrder, Order, PaymentNotice
from orders.reads.selectors import find_order, record_on_its_way

MOST = 200  # entries of each kind


class Entry(NamedTuple):
    """One thing that happened to an order."""

    at: datetime
    what: str
    detail: str


class Known(NamedTuple):
    """An order as its client sees it, and what its client does not see."""

    view: OrderView
    client: ApiClient
    history: list[Entry]  # the oldest first
    is_being_paid: bool  # a payment was received and is not applied yet


def look_up(order_id: UUID) -> Known:
    """Return what is known of an order, whosever it is.

    Raises OrderUnknown, OrderLost, CountersLost, redis.RedisError.
    """
    client_id = _client_of(order_id)
    view = find_order(order_id, client_id=client_id) if client_id is not None else None
    if client_id is None or view is None:
        raise OrderUnknown(order_id)
    history = sorted(_history(order_id), key=lambda entry: entry.at)
    return Known(view, ApiClient.objects.get(pk=client_id), history, _is_being_paid(order_id))


def _is_being_paid(order_id: UUID) -> bool:
    succeeded, pending = PaymentNotice.Type.SUCCEEDED, PaymentNotice.State.PENDING
    waiting = PaymentNotice.objects.filter(order_id=order_id, type=succeeded, state=pending)
    return waiting.exists()


def _client_of(order_id: UUID) -> int | None:
    """Return whose order it is; between two looks it may go from the outbox to the ledger."""
    return _in_ledger(order_id) or _in_outbox(order_id) or _in_ledger(order_id)


def _in_outbox(order_id: UUID) -> int | None:
    record = record_on_its_way(order_id)
    return record.client_id if record else None


def _in_ledger(order_id: UUID) -> int | None:
    sources: tuple[QuerySet[Any], ...] = (
        Order.objects.filter(pk=order_id),
        DeadLetter.objects.filter(order_id=order_id),
        LostOrder.objects.filter(order_id=order_id),
    )
    found = (rows.values_list("client_id", flat=True).first() for rows in sources)
    return next(filter(None, found), None)


def _history(order_id: UUID) -> Iterator[Entry]:
    """Yield what happened, each source for itself: what one transaction did keeps this sequence."""
    order = Order.objects.filter(pk=order_id).first()
    if order is not None:
        yield Entry(order.accepted_at, "accepted", f"request {order.request_key}")
        yield Entry(order.persisted_at, "persisted", "")
        for event in order.events.order_by("sequence")[:MOST]:
            yield Entry(event.created_at, event.type, f"event {event.sequence}")
    yield from _letters(order_id)
    yield from _payments(order_id)
    yield from _movements(order_id)
    yield from _deliveries(order_id)


def _letters(order_id: UUID) -> Iterator[Entry]:
    for letter in DeadLetter.objects.filter(order_id=order_id).order_by("pk")[:MOST]:
        yield Entry(letter.created_at, "dead_letter", letter.reason)
        if letter.resolved_at:
            yield Entry(letter.resolved_at, "dead_letter.resolved", letter.resolution)


def _payments(order_id: UUID) -> Iterator[Entry]:
    for notice in PaymentNotice.objects.filter(order_id=order_id).order_by("pk")[:MOST]:
        amount = with_currency(notice.amount, notice.currency)
        said = f" ({notice.detail})" if notice.detail else ""
        detail = f"{amount}, {notice.reference}: {notice.state}{said}"
        yield Entry(notice.received_at, f"payment.{notice.type}", detail)


def _movements(order_id: UUID) -> Iterator[Entry]:
    rows = StockMovement.objects.filter(order_id=order_id).order_by("pk")
    for row in rows.select_related("allocation__product")[:MOST]:
        units = f"{row.held:+} held, {row.sold:+} sold"
        yield Entry(row.created_at, f"stock.{row.kind}", f"{row.allocation.product.sku}: {units}")


def _deliveries(order_id: UUID) -> Iterator[Entry]:
    rows = Delivery.objects.filter(order_id=order_id).order_by("endpoint", "sequence")
    for delivery in rows.select_related("endpoint__client", "event")[:MOST]:
        answer = delivery.last_error or delivery.last_status or _without_answer(delivery)
        yield Entry(
            delivery.last_attempt_at or delivery.created_at,
            f"delivery.{delivery.state}",
            f"{delivery.event.type} to {delivery.endpoint}, attempt {delivery.attempts}: {answer}",
        )


def _without_answer(delivery: Delivery) -> str:
    """Return what is known of a delivery that nobody has answered with a status or an error.

    A mail that the server took has neither.
    """
    if delivery.state == Delivery.State.DELIVERED:
        return "taken"
    return "no answer yet" if delivery.attempts else "not tried yet"
