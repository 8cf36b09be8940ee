"""All that is known of one order, in whichever store it is: for a person at a terminal."""

from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from orders.errors import OrderUnknown
from orders.http.representation import OrderView
from orders.models import ApiClient, DeadLetter, LostOrder, Order, PaymentNotice
from orders.reads.order_story import Entry, story_of
from orders.reads.selectors import find_order, record_on_its_way


class Known(NamedTuple):
    """An order as its client sees it, and what is hidden from the client."""

    view: OrderView
    client: ApiClient
    history: list[Entry]  # the oldest first
    is_being_paid: bool  # a payment was received and is not applied yet


def look_up(order_id: UUID) -> Known:
    """Return what is known of an order of any client.

    Raises OrderUnknown, OrderLost, CountersLost, redis.RedisError.
    """
    client_id = _client_of(order_id)
    view = find_order(order_id, client_id=client_id) if client_id is not None else None
    if client_id is None or view is None:
        raise OrderUnknown(order_id)
    order = Order.objects.select_related("client").filter(pk=order_id).first()
    history = story_of(order_id, order).entries
    return Known(view, ApiClient.objects.get(pk=client_id), history, _is_being_paid(order_id))


def _is_being_paid(order_id: UUID) -> bool:
    succeeded, pending = PaymentNotice.Type.SUCCEEDED, PaymentNotice.State.PENDING
    waiting = PaymentNotice.objects.filter(order_id=order_id, type=succeeded, state=pending)
    return waiting.exists()


def _client_of(order_id: UUID) -> int | None:
    """Return the client of an order, which may go from the outbox to the ledger between looks."""
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
