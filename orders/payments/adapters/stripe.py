"""Stripe's own webhooks: https://docs.stripe.com/webhooks.

The order's id is in `metadata.order`, or in the `client_reference_id` of a Checkout Session. What
happens to a payment has many events at Stripe; they all name its PaymentIntent, so that those of a
session and those of its intent count as one payment.
"""

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from django.conf import settings

from inventory.money import to_minor
from orders.domain import PaymentMessageType, parse_order_id
from orders.http.decoding import BodyReader, WrongFields, field_error
from orders.http.given_json import refuse_repeated_names
from orders.payments.provider_message import (
    Ignored,
    NotConfigured,
    OrderOf,
    PaymentMessage,
    Provider,
    SignatureRefused,
    Unacted,
    digest_of,
)

from .stripe_objects import (
    Charge,
    CompletedSession,
    Envelope,
    Event,
    Intent,
    Paying,
    Payment,
    Session,
    Trouble,
)

TOLERANCE_SECONDS = 300

# Decimal places of Stripe's amounts, where they are not two. ISK and UGX have none in
# ISO 4217 and are two-decimal here; MGA is the reverse. https://docs.stripe.com/currencies,
# "Zero-decimal currencies", "Three-decimal currencies", "Special cases".
_DECIMALS = dict.fromkeys(
    "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split(), 0
) | dict.fromkeys("BHD JOD KWD OMR TND".split(), 3)

# Events that no program acts on and that a person has to see; of a refund's changes, those that
# undo it.
# https://docs.stripe.com/api/events/types
_MONEY = ("charge.dispute.", "radar.early_fraud_warning.", "payment_intent.partially_funded")
_REFUND_CHANGED = ("refund.failed", "refund.updated", "charge.refund.updated")
_UNDONE = ("failed", "canceled")

_envelopes = BodyReader(Envelope)
_troubles = BodyReader(Event[Trouble])
_NEWS: dict[str, tuple[BodyReader[Event[Paying]], PaymentMessageType]] = {
    "checkout.session.completed": (
        BodyReader(Event[CompletedSession]),
        PaymentMessageType.SUCCEEDED,
    ),
    "checkout.session.async_payment_succeeded": (
        BodyReader(Event[Session]),
        PaymentMessageType.SUCCEEDED,
    ),
    "checkout.session.async_payment_failed": (
        BodyReader(Event[Session]),
        PaymentMessageType.FAILED,
    ),
    "payment_intent.succeeded": (BodyReader(Event[Intent]), PaymentMessageType.SUCCEEDED),
    "payment_intent.payment_failed": (BodyReader(Event[Intent]), PaymentMessageType.FAILED),
    "charge.refunded": (BodyReader(Event[Charge]), PaymentMessageType.REFUNDED),
}


def read(
    headers: Mapping[str, str], body: bytes, order_of: OrderOf
) -> PaymentMessage | Unacted | Ignored:
    """Return what an event says about an order of ours; raises what a Provider raises."""
    _verify(headers.get("stripe-signature", ""), body)
    refuse_repeated_names(body)
    envelope = _envelopes.read(body)
    if envelope.type not in _NEWS:
        return _unacted(envelope, body, order_of)
    events, type_ = _NEWS[envelope.type]
    payment = events.read(body).data.object.payment()
    order_id = _order_id(payment, type_, order_of) if payment else None
    if payment is None or order_id is None:
        return Ignored(envelope.id)
    return PaymentMessage(
        provider=PROVIDER.name,
        notice_id=envelope.id,
        type=type_,
        order_id=order_id,
        amount=_minor(payment),
        currency=payment.currency.upper(),
        reference=payment.reference,
        body=body,
    )


PROVIDER = Provider("stripe", read, resends_refused=True, may_block=True)


def _verify(signature: str, body: bytes) -> None:
    """Raise SignatureRefused unless Stripe has signed `body` in the last five minutes."""
    secret = settings.STRIPE_WEBHOOK_SECRET
    if not secret:
        raise NotConfigured
    # 30 MB and a seventh of a second, which only those pay whom Stripe calls.
    import stripe

    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, TOLERANCE_SECONDS)
    except (stripe.SignatureVerificationError, TypeError, ValueError) as error:
        # TypeError: a signature that is not ASCII. ValueError: a body that is not UTF-8.
        raise SignatureRefused("Stripe has not signed this, or not lately.") from error


def _unacted(envelope: Envelope, body: bytes, order_of: OrderOf) -> Unacted | Ignored:
    if not envelope.type.startswith((*_MONEY, *_REFUND_CHANGED)):
        return Ignored(envelope.id)
    object_ = _troubles.read(body).data.object
    if envelope.type in _REFUND_CHANGED and object_.status not in _UNDONE:
        return Ignored(envelope.id)
    order_id = order_of(object_.payment_intent) if object_.payment_intent else None
    # Not the whole event: how many endpoints wait for it changes from one delivery to the next.
    content = digest_of(envelope.type, object_.id, object_.status, object_.amount)
    return Unacted(PROVIDER.name, envelope.id, envelope.type, order_id, content, body)


def _order_id(payment: Payment, type_: PaymentMessageType, order_of: OrderOf) -> UUID | None:
    """Return which order a payment is for, None if for none of ours.

    A refund does not say where only the session said it: Stripe copies metadata from an intent to
    its charges, but not from a session.
    """
    if payment.order:
        return parse_order_id(payment.order)
    return order_of(payment.reference) if type_ is PaymentMessageType.REFUNDED else None


def _minor(payment: Payment) -> int:
    """Return the amount in our minor units. Raises WrongFields where it has no exact equal."""
    currency = payment.currency.upper()
    amount = Decimal(payment.amount).scaleb(-_DECIMALS.get(currency, 2))
    try:
        return to_minor(amount, currency)
    except ValueError as error:
        raise WrongFields([field_error("/data/object", str(error))]) from None
