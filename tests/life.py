"""The life of an order after the yes, for tests: news of payments, and what the workers do."""

import itertools
from uuid import UUID

from inventory.models import Sale
from inventory.money import to_minor
from orders.domain import PaymentMessageType
from orders.models import Order, OrderEvent, PaymentNotice
from orders.payments.late import settle_payments
from orders.payments.note import note_payment
from orders.payments.provider_message import PaymentMessage
from orders.services.release import release_stock
from tests.persisting import persist
from tests.placing import Request, document, place_all

_numbers = itertools.count(1)


def place(api_key: str, *requests: Request) -> list[UUID]:
    """Place orders through the intake, all of which have to be accepted. Returns their ids."""
    replies = place_all(api_key, requests)
    assert [reply.status for reply in replies] == [202] * len(requests)
    return [UUID(document(reply)["id"]) for reply in replies]


def placed(sale: Sale, api_key: str, *requests: Request) -> list[Order]:
    """Place and persist orders."""
    ids = place(api_key, *requests)
    persist(sale)
    return [Order.objects.get(pk=order_id) for order_id in ids]


def news(
    order: Order,
    type_: PaymentMessageType = PaymentMessageType.SUCCEEDED,
    *,
    notice_id: str = "",
    reference: str = "",
    amount: int | None = None,
    currency: str = "",
) -> PaymentMessage:
    """What a provider says of an order; a new message unless `notice_id` is given."""
    return PaymentMessage(
        provider="standard",
        notice_id=notice_id or f"msg-{next(_numbers)}",
        type=type_,
        order_id=order.pk,
        amount=to_minor(order.total, order.currency) if amount is None else amount,
        currency=currency or order.currency,
        reference=reference or f"pay-for-{order.pk}",
    )


def pay(order: Order, **changes: str) -> PaymentNotice:
    """Let the provider say that an order is paid."""
    return note_payment(news(order, **changes))


def refund(order: Order, **changes: str) -> PaymentNotice:
    """Let the provider say that an order's payment went back."""
    return note_payment(news(order, PaymentMessageType.REFUNDED, **changes))


def work(sale: Sale) -> None:
    """Do what the workers would do by themselves."""
    persist(sale)
    settle_payments()
    release_stock(sale.pk)


def status(order: Order) -> str:
    return Order.objects.values_list("status", flat=True).get(pk=order.pk)


def events(order: Order) -> list[tuple[int, str]]:
    """An order's events: sequence and type."""
    found = OrderEvent.objects.filter(order=order).order_by("sequence")
    return list(found.values_list("sequence", "type"))
