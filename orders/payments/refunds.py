"""Noting that a payment was paid back, where its provider does not say so itself.

No money moves here: it goes back at the provider, and its own notice settles the payment. Where
none will come (a bank transfer, another account), a person says that it is done.
"""

from inventory.money import to_minor
from orders.domain import PaymentMessageType
from orders.models import Order, PaymentNotice

from .note import note_payment
from .provider_message import BY_HAND, PaymentMessage

_State, _Type = PaymentNotice.State, PaymentNotice.Type


def refundable_payments(order: Order) -> list[PaymentNotice]:
    """Return the payments of an order that came in and have not gone back, the oldest first."""
    came_in = PaymentNotice.objects.filter(
        order_id=order.pk, type=_Type.SUCCEEDED, state__in=[_State.APPLIED, _State.REFUND_DUE]
    )
    return list(came_in.order_by("pk")[:100])


def note_refund(payment: PaymentNotice) -> PaymentNotice:
    """Note that a payment went back, once for each payment. Returns the notice of it.

    It has the effects of the provider's own message: the order of an applied payment is refunded
    and its units are released. Raises what `note_payment` raises.
    """
    message = PaymentMessage(
        provider=BY_HAND,
        notice_id=f"refund-of-{payment.pk}",
        type=PaymentMessageType.REFUNDED,
        order_id=payment.order_id,
        amount=to_minor(payment.amount, payment.currency),
        currency=payment.currency,
        reference=payment.reference,
    )
    return note_payment(message)
