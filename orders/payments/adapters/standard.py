"""Providers that sign as Standard Webhooks says: https://www.standardwebhooks.com.

A provider of one's own, or a gateway in front of any other, speaks to us in this form.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from django.conf import settings
from standardwebhooks import Webhook, WebhookVerificationError

from inventory.money import AmountRefused, parse_amount, to_minor
from orders.domain import PaymentMessageType
from orders.http.decoding import CONTROL_CHARACTERS, BodyReader, WrongFields, field_error
from orders.http.given_json import refuse_repeated_names
from orders.payments.provider_message import (
    Ignored,
    NoOrder,
    OrderOf,
    PaymentMessage,
    Provider,
    SignatureRefused,
    Unacted,
    digest_of_json,
)

# `$` alone would let a line feed at the end pass.
_END = r"(?!\n)$"
_VISIBLE = re.compile(r"[\x21-\x7e]{1,255}")

Amount = Annotated[
    str,
    msgspec.Meta(
        pattern=rf"^(0|[1-9][0-9]{{0,14}})(\.[0-9]{{1,4}})?{_END}",
        description="An exact decimal, with no more places than the currency has.",
    ),
]
Currency = Annotated[str, msgspec.Meta(pattern=rf"^[A-Z]{{3}}{_END}", description="ISO 4217.")]
Reference = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=255,
        description="Your name of the payment: the same in all messages about it.",
    ),
]


class PaymentData(msgspec.Struct, frozen=True, gc=False):
    """Which payment, of which order."""

    order: Annotated[str, msgspec.Meta(description="The order's id.")]
    amount: Amount
    currency: Currency
    reference: Reference


class PaymentCallback(msgspec.Struct, frozen=True):
    """The body of POST /api/v1/payments/callback. Further fields are allowed, and ignored."""

    type: Literal["payment.succeeded", "payment.failed", "payment.refunded"]
    data: PaymentData


class AnyCallback(msgspec.Struct, frozen=True):
    """A body of whatever type."""

    type: str


_bodies = BodyReader(PaymentCallback)
_any_bodies = msgspec.json.Decoder(AnyCallback)
_ACTED_ON = tuple(f"payment.{type_}" for type_ in PaymentMessageType)
# Words by which providers name what moves money, or is about to; and steps of a payment in which
# none has moved.
_MONEY = re.compile(
    r"payment|charge|refund|disput|revers|fraud|captur|retriev|inquir", re.IGNORECASE
)
_NO_MONEY_YET = re.compile(
    r"payment[._](created|initiated|started|pending|processing|requires_action|authori[sz]ed"
    r"|cancell?ed|expired)",
    re.IGNORECASE,
)


def read(
    headers: Mapping[str, str], body: bytes, _order_of: OrderOf
) -> PaymentMessage | Unacted | Ignored:
    """Return what a signed callback says; raises what a Provider raises."""
    notice_id = _verified_id(headers, body)
    refuse_repeated_names(body)
    if (type_ := _type_not_acted_on(body)) is not None:
        return _unacted(notice_id, type_, body)
    callback = _bodies.read(body)
    data = callback.data
    amount = _checked_amount(data)
    return PaymentMessage(
        provider=PROVIDER.name,
        notice_id=notice_id,
        type=PaymentMessageType(callback.type.removeprefix("payment.")),
        order_id=_order_id(data.order),
        amount=amount,
        currency=data.currency,
        reference=data.reference,
        content=digest_of_json(body),
        body=body,
    )


def concerns_money(type_: str) -> bool:
    """Tell whether a message of a type that no program acts on is for a person to read."""
    return bool(_MONEY.search(type_)) and not _NO_MONEY_YET.fullmatch(type_)


PROVIDER = Provider("standard", read)


def _type_not_acted_on(body: bytes) -> str | None:
    """Return the type of a well-formed message that is none of ours, None for any other body."""
    try:
        type_ = _any_bodies.decode(body).type
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return type_ if type_ and type_ not in _ACTED_ON else None


def _unacted(notice_id: str, type_: str, body: bytes) -> Unacted | Ignored:
    if not concerns_money(type_):
        return Ignored(notice_id)
    try:
        data = msgspec.json.decode(body).get("data")
        named: Any = data.get("order") if isinstance(data, dict) else None
        order_id = _order_id(named) if isinstance(named, str) else None
    except (NoOrder, msgspec.MsgspecError, RecursionError):
        order_id = None
    return Unacted(PROVIDER.name, notice_id, type_, order_id, digest_of_json(body), body)


def _verified_id(headers: Mapping[str, str], body: bytes) -> str:
    """Return the id of a message that one of our secrets has signed. Raises SignatureRefused.

    It may be up to five minutes old or new. The signature is compared in constant time.
    """
    given = {
        name: headers.get(name, "")
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    }
    if not _VISIBLE.fullmatch(given["webhook-id"]):
        raise SignatureRefused("webhook-id is 1 to 255 visible ASCII characters.")
    refusals = [_refusal(secret, given, body) for secret in settings.PAYMENT_WEBHOOK_SECRETS]
    if None not in refusals:
        raise SignatureRefused(next(filter(None, refusals), "No secret is configured."))
    return given["webhook-id"]


def _refusal(secret: str, headers: dict[str, str], body: bytes) -> str | None:
    """Return why a message does not verify by `secret`, None if it does."""
    verifier = _verifier(secret)
    try:
        verifier.verify(body, headers, json_parse=False)
    except WebhookVerificationError as error:
        return f"{error}."
    except ValueError:  # a body that is no UTF-8, a signature without a comma or not in base64
        return "The signature or the body is malformed."
    return None


@cache
def _verifier(secret: str) -> Webhook:
    return Webhook(secret)


def _checked_amount(data: PaymentData) -> int:
    """Return the amount in minor units. Raises WrongFields with all that a shape cannot say."""
    errors = []
    amount = 0
    if CONTROL_CHARACTERS.search(data.reference):
        errors.append(field_error("/data/reference", "has control characters"))
    try:
        amount = to_minor(parse_amount(data.amount, data.currency), data.currency)
    except AmountRefused:
        detail = f"has more decimal places than {data.currency} has"
        errors.append(field_error("/data/amount", detail))
    if errors:
        raise WrongFields(errors)
    return amount


def _order_id(text: str) -> UUID:
    """Return what may be an order's id: whether it is one, the ledger knows. Raises NoOrder."""
    try:
        order_id = UUID(text)
    except ValueError:
        raise NoOrder(text) from None
    if str(order_id) != text.lower():
        raise NoOrder(text)
    return order_id
