"""The task that writes an order down; done twice, it does nothing the second time."""

from typing import TypedDict

from celery import shared_task
from django.db import IntegrityError, OperationalError, transaction

from .models import Movement, Order, OrderEvent, OrderLine

MOST_RETRIES = 10


class Line(TypedDict):
    """One line of an order, as the task's message carries it."""

    sku: str
    quantity: int


@shared_task(
    name="persist_order",
    autoretry_for=(OperationalError,),
    retry_backoff=True,
    max_retries=MOST_RETRIES,
)
def persist_order(
    *,
    order_id: str,
    client_id: int,
    request_key: str,
    sale: str,
    customer: str,
    lines: list[Line],
) -> None:
    """Create the order, its lines, the movements of its stock, and its first event."""
    order = Order(
        id=order_id, client_id=client_id, request_key=request_key, sale=sale, customer=customer
    )
    try:
        _create(order, lines)
    except IntegrityError:
        if not Order.objects.filter(pk=order_id).exists():
            raise


@transaction.atomic
def _create(order: Order, lines: list[Line]) -> None:
    order.save(force_insert=True)
    OrderLine.objects.bulk_create(OrderLine(order=order, **line) for line in lines)
    Movement.objects.bulk_create(
        Movement(order=order, sku=line["sku"], units=-line["quantity"]) for line in lines
    )
    OrderEvent.objects.create(order=order, sequence=1, type="order.placed")
