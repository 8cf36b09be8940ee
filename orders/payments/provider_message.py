"""Messages of payment providers about orders, the same for every provider."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from uuid import UUID

import msgspec

from orders.domain import PaymentMessageType

BY_HAND = "by-hand"  # the provider of what a person says


@dataclass(frozen=True, slots=True)
class PaymentMessage:
    """One verified message of a provider."""

    provider: str  # "standard" or "stripe"
    notice_id: str  # the provider's id of this message; the same when it is sent again
    type: PaymentMessageType
    order_id: UUID
    amount: int  # minor units of `currency`; of a refund, what has gone back altogether
    currency: str  # ISO 4217, upper case
    reference: str  # the provider's name of the payment, or of the refund
    # Stands for all that the message says, b"" for the fields above; the message as it came.
    content: bytes = field(default=b"", compare=False)
    body: bytes = field(default=b"", compare=False, repr=False)
    # By our clock, when it had come whole; None: now.
    received_at: datetime | None = field(default=None, compare=False)
    # Redis did not mark its order as being paid: nothing but a lock keeps the order from its end.
    is_unmarked: bool = field(default=False, compare=False)

    @property
    def is_from_provider(self) -> bool:
        """Whether a provider said it, and not a person for one."""
        return self.provider != BY_HAND

    @property
    def digest(self) -> bytes:
        """Return 16 bytes that stand for what the message says, however it is written."""
        return self.content or digest_of(
            self.type, self.order_id, self.amount, self.currency, self.reference
        )


def digest_of_json(body: bytes) -> bytes:
    """Return 16 bytes that stand for a JSON document, whatever its spacing or the order of keys."""
    try:
        body = msgspec.json.encode(msgspec.json.decode(body), order="deterministic")
    except (msgspec.MsgspecError, RecursionError, UnicodeError, ValueError):
        pass  # a part that is never read may hold any number, or be nested too deep
    return blake2b(body, digest_size=16).digest()


def digest_of(*fields: object) -> bytes:
    """Return 16 bytes that stand for these fields."""
    return blake2b("\0".join(map(str, fields)).encode(), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Unacted:
    """A verified message that concerns money and that no program acts on, such as a dispute."""

    provider: str
    notice_id: str
    type: str  # as the provider names it
    order_id: UUID | None  # if it names one
    content: bytes
    body: bytes
    received_at: datetime | None = None

    @property
    def digest(self) -> bytes:
        """Return 16 bytes that stand for what the message says."""
        return self.content


@dataclass(frozen=True, slots=True)
class Ignored:
    """A verified message that says nothing about the payment of an order of ours."""

    notice_id: str


# The order of a payment's earlier messages, by the payment's reference.
OrderOf = Callable[[str], UUID | None]


@dataclass(frozen=True, slots=True)
class Provider:
    """The adapter of one provider.

    `read` takes the headers (names in lower case, or a mapping that does not care) and the body of
    a callback. It raises NotConfigured, SignatureRefused, then orders.http.decoding.NotJson or
    WrongFields, then NoOrder: nothing in the body is looked at before its signature.
    """

    name: str
    read: Callable[[Mapping[str, str], bytes, OrderOf], PaymentMessage | Unacted | Ignored]
    # To some, every answer but 200 says "send it again", for days. They get an
    # acknowledgement for a message that is kept for a person.
    resends_refused: bool = False
    # Whether `read` may ask the database, or import a library first.
    may_block: bool = False


class NotConfigured(Exception):
    """This provider is not in use here."""


class SignatureRefused(Exception):
    """The message is not signed by the provider, or is too old or too new; the text says which."""


class NoOrder(Exception):
    """The message names its order by something that is no order id."""

    def __init__(self, named: str) -> None:
        super().__init__(f"There is no order {named[:64]}.")
