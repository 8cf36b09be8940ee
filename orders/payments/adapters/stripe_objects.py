"""The objects in Stripe's events, down to the fields that say something about a payment."""

from dataclasses import dataclass
from typing import Annotated, Generic, Protocol, TypeVar

import msgspec

# `$` alone would let a line feed at the end pass.
Name = Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]{1,255}(?!\n)$")]
Amount = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
Currency = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{3}(?!\n)$")]


@dataclass(frozen=True, slots=True)
class Payment:
    """The fields of a Stripe object that describe a payment."""

    order: str | None  # as its maker wrote it down
    reference: str
    amount: int  # in Stripe's minor units
    currency: str  # lower case


class Paying(Protocol):
    """An object of Stripe's that a payment is about."""

    def payment(self) -> Payment | None:
        """Return the payment that it tells of, None where it tells of none."""
        ...


class Metadata(msgspec.Struct, frozen=True, gc=False):
    """Our own fields on an object of Stripe's: the order's id."""

    order: str | None = None


class Session(msgspec.Struct, frozen=True):
    """https://docs.stripe.com/api/checkout/sessions/object"""

    id: Name
    payment_status: str
    payment_intent: Name | None = None
    client_reference_id: str | None = None
    metadata: Metadata | None = None
    amount_total: Amount | None = None
    currency: Currency | None = None

    def payment(self) -> Payment | None:
        """Return the payment that it tells of."""
        if self.amount_total is None or self.currency is None:
            return None  # it only set up a way to pay
        named = self.metadata.order if self.metadata else None
        return Payment(
            named or self.client_reference_id,
            self.payment_intent or self.id,
            self.amount_total,
            self.currency,
        )


class CompletedSession(Session, frozen=True):
    """A session that the customer is through with: paid, or to be paid by a slow method, of which
    other events then tell."""

    def payment(self) -> Payment | None:
        """Return the payment that it tells of."""
        return Session.payment(self) if self.payment_status == "paid" else None


class Intent(msgspec.Struct, frozen=True):
    """https://docs.stripe.com/api/payment_intents/object"""

    id: Name
    amount: Amount
    currency: Currency
    amount_received: Amount = 0
    metadata: Metadata | None = None

    def payment(self) -> Payment:
        """Return the payment that it tells of."""
        named = self.metadata.order if self.metadata else None
        # Less than the whole amount may have been captured; of a failed one, nothing was.
        amount = self.amount_received or self.amount
        return Payment(named, self.id, amount, self.currency)


class Charge(msgspec.Struct, frozen=True):
    """https://docs.stripe.com/api/charges/object"""

    id: Name
    amount_refunded: Amount
    currency: Currency
    payment_intent: Name | None = None
    metadata: Metadata | None = None

    def payment(self) -> Payment:
        """Return the payment that it tells of."""
        named = self.metadata.order if self.metadata else None
        reference = self.payment_intent or self.id
        return Payment(named, reference, self.amount_refunded, self.currency)


class Trouble(msgspec.Struct, frozen=True):
    """A dispute, a warning of fraud, or a refund: what they have in common.

    https://docs.stripe.com/api/disputes/object
    """

    id: Name
    amount: int | None = None
    status: str | None = None
    payment_intent: str | None = None


Object = TypeVar("Object", covariant=True)


class Data(msgspec.Struct, Generic[Object], frozen=True):
    """An event's envelope around the object it is about."""

    object: Object


class Event(msgspec.Struct, Generic[Object], frozen=True):
    """https://docs.stripe.com/api/events/object"""

    id: Name
    data: Data[Object]


class Envelope(msgspec.Struct, frozen=True):
    """The fields that all events have."""

    id: Name
    type: str
