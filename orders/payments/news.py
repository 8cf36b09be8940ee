"""What a payment provider has to say about an order, whoever the provider is."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class NewsType(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class PaymentNews:
    """One verified message of a provider."""

    provider: str  # "standard" or "stripe"
    notice_id: str  # the provider's id of this message; the same when it is sent again
    type: NewsType
    order_id: UUID
    amount: int  # minor units of `currency`
    currency: str  # ISO 4217, upper case
    reference: str  # the provider's name of the payment; the same in all news of one payment


class SignatureRefused(Exception):
    """The message is not signed by the provider, or is too old or too new."""


class NotUnderstood(Exception):
    """The message is signed, but is no payment news; the text says what is wrong with it."""
