"""The actions on an order: the same services as those of the API and the payment provider."""

from typing import Any

import redis
from django import forms
from django.contrib import messages
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from inventory.money import with_currency
from orders.domain import Status
from orders.errors import NotCancellable, PaymentMismatch
from orders.models import Delivery, Order, PaymentNotice
from orders.notifications.replay import replay
from orders.payments.refunds import note_refund, refundable_payments
from orders.reads.selectors import payment_in_time
from orders.services.holds import cancel_order
from shop.core.admin.lists import BigTableAdmin

from .confirmation import Outcome, Question, asks_first

BEING_PAID = "Payment received in time, being applied: the order is as good as paid."
REDIS_AWAY = (
    "Redis, which knows whether a payment is on its way, does not answer. Try again in a moment."
)
CANCEL, REFUND, RESEND = "orders.cancel_order", "orders.refund_order", "orders.resend_delivery"


class RefundForm(forms.Form):
    """The choice of the payment that went back, and the refund's reference."""

    payment = forms.ChoiceField(label="Payment that was paid back", widget=UnfoldAdminSelectWidget)
    reference = forms.CharField(
        label="Reference of the refund",
        max_length=200,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="As the provider or the bank names it; kept in the history of the order.",
    )

    def __init__(self, payments: list[PaymentNotice], data: dict[str, Any] | None) -> None:
        super().__init__(data)
        self.payments = {str(payment.pk): payment for payment in payments}
        self.fields["payment"].choices = [(pk, _named(each)) for pk, each in self.payments.items()]  # type: ignore[attr-defined]

    @property
    def chosen(self) -> PaymentNotice:
        return self.payments[self.cleaned_data["payment"]]


def open_to(order: Order) -> set[str]:
    """Return the names of the actions that an order is open to in its status."""
    names = {"resend"}
    if order.status == Status.AWAITING_PAYMENT and not payment_in_time(order):
        names.add("cancel")
    if order.status == Status.PAID or order.refund_due:
        names.add("refund")
    return names


def _ask_to_cancel(order: Order, data: dict[str, Any] | None) -> Question:
    if order.status != Status.AWAITING_PAYMENT:
        refusal = _refusal(order, "Only an order that waits for its payment can be.")
    else:
        refusal = BEING_PAID if payment_in_time(order) else ""
    return Question(
        title="Cancel this order?",
        text=f"Order {order.pk} of {order.customer} over "
        f"{with_currency(order.total, order.currency)} "
        "gives its stock back, and its endpoints are told. This cannot be undone.",
        button="Cancel the order",
        refusal=refusal,
    )


def _ask_to_refund(order: Order, data: dict[str, Any] | None) -> Question:
    payments = refundable_payments(order)
    return Question(
        title="Note a refund?",
        text="No money moves from here: pay it back at the provider first. Its own notice settles "
        "this by itself; note it by hand only where no such notice will come. A paid order is "
        "refunded by it, and its units go back on sale.",
        button="It was paid back",
        refusal="" if payments else _refusal(order, "There is no payment that could go back."),
        form=RefundForm(payments, data) if payments else None,
    )


def _ask_to_resend(order: Order, data: dict[str, Any] | None) -> Question:
    return Question(
        title="Send the events of this order again?",
        text="All that was delivered or given up is sent once more, in the same sequence and under "
        "the same ids, so that a careful receiver does nothing twice. "
        "Customers get their mail again, too.",
        button="Send again",
        dangerous=False,
    )


class OrderActions(BigTableAdmin):
    """The buttons of an order's page."""

    actions_detail = ("cancel", "refund", "resend")

    @asks_first(
        permission=CANCEL,
        description="Cancel",
        icon="cancel",
        ask=_ask_to_cancel,
        url_path="cancel",
    )
    def cancel(self, request: HttpRequest, order: Order, question: Question) -> Outcome:
        try:
            cancel_order(order.pk, client_id=order.client_id)
        except NotCancellable as error:  # it was paid or expired since the page was opened
            why = BEING_PAID if error.status == Status.AWAITING_PAYMENT else str(error)
            return Outcome(messages.ERROR, f"Not cancelled: {why}")
        except redis.RedisError:
            return Outcome(messages.ERROR, f"Not cancelled: {REDIS_AWAY}")
        return Outcome(messages.SUCCESS, "Cancelled; its stock is being released.")

    @asks_first(
        permission=REFUND,
        description="Note a refund",
        icon="undo",
        ask=_ask_to_refund,
        url_path="refund",
    )
    def refund(self, request: HttpRequest, order: Order, question: Question) -> Outcome:
        assert isinstance(question.form, RefundForm), "the form was confirmed, and so is filled in"
        payment, reference = question.form.chosen, question.form.cleaned_data["reference"]
        try:
            notice = note_refund(payment)
        except PaymentMismatch as error:
            return Outcome(messages.ERROR, f"Not noted: {error}")
        if notice.state != PaymentNotice.State.APPLIED:
            return Outcome(messages.WARNING, f"{notice.get_state_display()}: {notice.detail}")
        text = f"Noted as paid back: {_named(payment)}"
        return Outcome(
            messages.SUCCESS, f"{text}, refund {reference}." if reference else f"{text}."
        )

    @asks_first(
        permission=RESEND,
        description="Send again",
        icon="forward_to_inbox",
        ask=_ask_to_resend,
        url_path="resend",
    )
    def resend(self, request: HttpRequest, order: Order, question: Question) -> Outcome:
        again, left_alone = replay(Delivery.objects.filter(order_id=order.pk))
        text = f"Deliveries sent again: {again:,}."
        if left_alone:
            text += f" Left alone, since their endpoints are off: {left_alone:,}."
        return Outcome(messages.SUCCESS if again else messages.WARNING, text)


def _named(payment: PaymentNotice) -> str:
    return f"{with_currency(payment.amount, payment.currency)} ({payment.reference})"


def _refusal(order: Order, why: str) -> str:
    return f"The order is {order.get_status_display().lower()}. {why}"
