"""Payments as they come in: each message of a provider is worked off once, whatever came before."""

import logging
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from inventory.money import from_minor
from orders import lifecycle, selectors
from orders.domain import EventType, Status
from orders.errors import OrderUnknown, PaymentMismatch
from orders.models import Order, OrderEvent, PaymentNotice
from orders.payments.news import PaymentNews
from orders.task_names import SETTLE_PAYMENTS
from shop.core import clock, correlation
from shop.core.dispatch import send_on_commit

from .events import Event, record_events
from .transitions import change_status

logger = logging.getLogger(__name__)

State, Type = PaymentNotice.State, PaymentNotice.Type
GIVEN_UP = "The order could not be persisted, and was given up."
LET_GO = (Status.CANCELLED, Status.EXPIRED)


def take_news(news: PaymentNews) -> PaymentNotice:
    """Keep what a provider says, and do to its order what follows from it, in one transaction.

    A message that comes again changes nothing and gets the first outcome; one whose order was not
    known is judged anew. Raises OrderUnknown and PaymentMismatch, after the notice is kept for a
    person to look at.
    """
    with transaction.atomic():
        notice, fresh = PaymentNotice.objects.get_or_create(
            provider=news.provider,
            notice_id=news.notice_id,
            defaults={
                "type": news.type,
                "order_id": news.order_id,
                "amount": from_minor(news.amount, news.currency),
                "currency": news.currency,
                "reference": news.reference,
                "state": State.PENDING,
                "digest": news.digest,
                "received_at": news.received_at or clock.now(),
            },
        )
        if not fresh:
            notice = PaymentNotice.objects.select_for_update().get(pk=notice.pk)
        if fresh or notice.state == State.UNMATCHED:
            settle(notice)
    if notice.state == State.UNMATCHED:
        raise OrderUnknown(notice.order_id)
    if notice.state == State.REFUSED:
        raise PaymentMismatch(notice.detail)
    return notice


def settle(notice: PaymentNotice) -> None:
    """Judge a notice, fresh or waiting, in the caller's transaction, which holds its row."""
    if order := _locked(notice):
        _judge(notice, order)
    else:
        _without_order(notice)


def apply(notice: PaymentNotice, order: Order, detail: str = "") -> None:
    """Note that a payment has had its effect, and work off a refund that came before it."""
    _conclude(notice, State.APPLIED, detail)
    _settle_waiting_refunds(order)


def owe(notice: PaymentNotice, order: Order, reason: str) -> None:
    """Flag a payment that nothing can be given for, to be refunded; the order's event says so."""
    with correlation.about(order_id=order.pk):
        logger.warning("order %s: %s %s to be refunded", order.pk, notice.amount, notice.currency)
    _conclude(notice, State.REFUND_DUE, reason)
    order.refund_due = (order.refund_due or Decimal(0)) + notice.amount
    order.save(update_fields=["refund_due"])
    if order.status in (*LET_GO, Status.REJECTED):
        sequence = OrderEvent.objects.filter(order=order).count() + 1
        type_ = EventType(f"order.{order.status}")
        record_events([Event(order.pk, sequence, type_, order.refund_due)])
    _settle_waiting_refunds(order)


def owe_without_order(order_id: UUID) -> None:
    """Flag what was paid for an accepted order that a person has given up, to be refunded."""
    paid = PaymentNotice.objects.filter(order_id=order_id, type=Type.SUCCEEDED, state=State.PENDING)
    paid.update(state=State.REFUND_DUE, detail=GIVEN_UP, settled_at=clock.now())


def _judge(notice: PaymentNotice, order: Order) -> None:
    if (notice.amount, notice.currency) != (order.total, order.currency):
        expected = f"{order.total.normalize():f} {order.currency}"
        _conclude(notice, State.REFUSED, f"The order is over {expected}.")
    elif notice.type == Type.SUCCEEDED:
        _succeeded(notice, order)
    elif notice.type == Type.REFUNDED:
        _refunded(notice, order)
    else:
        _conclude(notice, State.APPLIED, "The order keeps its hold to its end.")


def _succeeded(notice: PaymentNotice, order: Order) -> None:
    if change_status(lifecycle.PAY, [order.pk]):
        apply(notice, order)
    elif _payments(order).exclude(pk=notice.pk).filter(reference=notice.reference).exists():
        _conclude(notice, State.REPEATED)
    elif order.status in LET_GO and order.gap_end is None:
        _conclude(notice, State.PENDING, "The hold has ended; its stock is to be taken again.")
        send_on_commit(SETTLE_PAYMENTS)
    else:
        owe(notice, order, f"The order is {order.status}.")


def _refunded(notice: PaymentNotice, order: Order) -> None:
    payments = list(_payments(order).order_by("pk"))
    # Providers name refunds as they like; a name that no payment has may mean any of them.
    meant = [each for each in payments if each.reference == notice.reference] or payments
    states = {payment.state for payment in meant}
    if State.REFUND_DUE in states:
        _pay_back(next(each for each in meant if each.state == State.REFUND_DUE), order)
        _conclude(notice, State.APPLIED)
    elif State.APPLIED in states and change_status(lifecycle.REFUND, [order.pk]):
        for payment in meant:
            if payment.state == State.APPLIED:
                _conclude(payment, State.PAID_BACK)
        _conclude(notice, State.APPLIED)
    elif State.PAID_BACK in states:
        _conclude(notice, State.REPEATED, "The payment is paid back already.")
    elif State.PENDING in states or order.status in (Status.AWAITING_PAYMENT, *LET_GO):
        _conclude(notice, State.PENDING, "Waits for the payment that it pays back.")
    else:
        _conclude(notice, State.REFUSED, f"The order is {order.status}: nothing is to be refunded.")


def _pay_back(payment: PaymentNotice, order: Order) -> None:
    _conclude(payment, State.PAID_BACK)
    order.refund_due = ((order.refund_due or Decimal(0)) - payment.amount) or None
    order.save(update_fields=["refund_due"])
    change_status(lifecycle.REFUND_UNSERVED, [order.pk])


def _settle_waiting_refunds(order: Order) -> None:
    waiting = PaymentNotice.objects.select_for_update().filter(
        order_id=order.pk, type=Type.REFUNDED, state=State.PENDING
    )
    for notice in waiting.order_by("pk"):
        settle(notice)


def _without_order(notice: PaymentNotice) -> None:
    record = selectors.record_on_its_way(notice.order_id)
    if record is None and (order := _locked(notice)):  # persisted between the two looks
        _judge(notice, order)
    elif record is None and _is_counted(notice):
        _conclude(notice, State.REPEATED)
    elif record is None and selectors.is_given_up(notice.order_id):
        _conclude(notice, State.REFUND_DUE, GIVEN_UP)
    elif record is None:
        _conclude(notice, State.UNMATCHED, "There is no such order.")
    elif (notice.amount, notice.currency) != (
        from_minor(record.total, record.currency),
        record.currency,
    ):
        _conclude(notice, State.REFUSED, "The order has another amount or currency.")
    else:
        _conclude(notice, State.PENDING, "The order is on its way into the ledger.")


def _is_counted(notice: PaymentNotice) -> bool:
    """Tell whether this money has been counted already, by another message about it."""
    return PaymentNotice.objects.filter(
        provider=notice.provider,
        type=notice.type,
        reference=notice.reference,
        order_id=notice.order_id,
        state__in=PaymentNotice.COUNTED,
    ).exists()


def _locked(notice: PaymentNotice) -> Order | None:
    return Order.objects.select_for_update().filter(pk=notice.order_id).first()


def _payments(order: Order) -> QuerySet[PaymentNotice]:
    """Return the payments that came in for an order: each once, and none that was refused."""
    good = (State.PENDING, State.APPLIED, State.PAID_BACK, State.REFUND_DUE)
    return PaymentNotice.objects.filter(order_id=order.pk, type=Type.SUCCEEDED, state__in=good)


def _conclude(notice: PaymentNotice, state: PaymentNotice.State, detail: str = "") -> None:
    notice.state, notice.detail = state, detail
    notice.settled_at = None if state == State.PENDING else clock.now()
    notice.save(update_fields=["state", "detail", "settled_at"])
