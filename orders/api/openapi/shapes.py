"""The shapes of bodies: those of the document alone, and the schemas of all."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from inventory.domain import SaleState
from orders.domain import EventType, Status
from orders.http.order_request import LineRequest, OrderRequest
from orders.http.representation import LineView, OrderView
from orders.notifications.webhook.message import Message
from orders.payments.adapters.standard import PaymentCallback

Json = dict[str, Any]

_AMOUNT: Json = {"description": "An exact decimal.", "pattern": r"^\d+(\.\d+)?$"}
_CURRENCY: Json = {"description": "ISO 4217."}
_MOMENT: Json = {"format": "date-time"}

Units = Annotated[int, Meta(ge=0)]
Moment = Annotated[str, Meta(extra_json_schema=_MOMENT)]


class SkuView(msgspec.Struct):
    """A SKU of a sale, and where its `allocated` units are."""

    sku: str
    name: str
    price: Annotated[str, Meta(extra_json_schema=_AMOUNT)]
    currency: Annotated[str, Meta(extra_json_schema=_CURRENCY)]
    allocated: Units
    available: Annotated[Units, Meta(description="Live.")]
    held: Annotated[Units, Meta(description="In orders that are not paid yet.")]
    sold: Units


class SaleView(msgspec.Struct):
    """A sale with live stock."""

    sale: Annotated[str, Meta(description="Its name in URLs and orders.")]
    state: SaleState
    opens_at: Moment
    closes_at: Annotated[Moment | None, Meta(description="null: when its operator closes it.")]
    limit: Annotated[Units, Meta(description="Units per customer over the sale; 0: no limit.")]
    hold_seconds: Annotated[int, Meta(description="How long an unpaid order keeps its stock.")]
    skus: list[SkuView]


_NOTICE_STATES = """\
- `pending`: kept for good; it is applied by itself, within seconds of the order's persistence
- `applied`: it has had its effect, also if that was none (a failed payment leaves the hold)
- `repeated`: another message about the same money came before
- `refund_due`: nothing can be given for the money; it is to be paid back
- `paid_back`: the payment, which came before, has been paid back since
- `partly`: a refund of a part of the money, kept for the operators
- `ahead`: a refund of a payment that has not come, kept for the operators
- `refused`: it does not fit what is known of the order, and is kept for the operators
- `kept`: no program acts on it; it concerns money, and is kept for the operators
- `ignored`: it is not about the money of an order
"""
NoticeState = Literal[
    "pending",
    "applied",
    "repeated",
    "refund_due",
    "paid_back",
    "partly",
    "ahead",
    "refused",
    "kept",
    "ignored",
]


class NoticeView(msgspec.Struct):
    """The outcome of a payment provider's message."""

    notice: Annotated[str, Meta(description="The id of the message.")]
    state: Annotated[NoticeState, Meta(description=_NOTICE_STATES)]


class StripeEvent(msgspec.Struct):
    """An event as Stripe sends it; here only what all of them have."""

    id: str
    object: Literal["event"]
    type: str
    data: dict[str, Any]


class Liveness(msgspec.Struct):
    """This process is alive."""

    status: Literal["ok"]


class Check(msgspec.Struct):
    """The check of one part."""

    ok: bool
    detail: str
    late_seconds: (
        Annotated[
            dict[str, float], Meta(description="For how long the oldest piece of each duty waits.")
        ]
        | UnsetType
    ) = UNSET


class Readiness(msgspec.Struct):
    """The checks of all parts that orders need."""

    status: Literal["ready", "not ready"]
    failing: Annotated[list[str], Meta(description="The checks that are not ok.")]
    checks: dict[str, Check]


class ErrorView(msgspec.Struct):
    """An error in one part of the request."""

    pointer: Annotated[
        str, Meta(description='JSON Pointer (RFC 6901) into the body; "": all of it')
    ]
    detail: str
    parameter: Annotated[str, Meta(description="The query parameter.")] | UnsetType = UNSET
    sku: str | UnsetType = UNSET
    requested: Annotated[Units, Meta(description="What was asked for.")] | UnsetType = UNSET
    available: Annotated[Units, Meta(description="What there was.")] | UnsetType = UNSET


class ProblemView(msgspec.Struct):
    """A problem (RFC 9457). Tell problems apart by `type`."""

    type: Annotated[str, Meta(extra_json_schema={"format": "uri-reference"})]
    title: str
    status: int
    detail: str
    errors: list[ErrorView] | UnsetType = UNSET


_STATUSES = """\
- `accepted`: held and durable, about to be persisted
- `awaiting_payment`: held until `hold_expires_at`
- `confirmed`: sold, where the sale takes no payment
- `paid`: sold
- `cancelled`, `expired`: its stock is on sale again; a payment that comes now takes the stock once
  more (`paid`), or is to be paid back (`refund_due`)
- `refunded`: paid back
- `rejected`: refused after all, which can only happen where data was lost
"""
# Code checks an order's fields where msgspec's patterns would be too slow or too weak.
_EMAIL = (
    "The address for mail about the order. One beyond ASCII before the @ is accepted "
    "where the shop's mail server takes it (SMTPUTF8)."
)
_NO_CONTROL = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]"
_NAME: Json = {"pattern": f"^{_NO_CONTROL}+$"}
# Notes that the types of an order leave out: they are on the hot path, and as small as can be.
_NOTES: dict[type[msgspec.Struct], dict[str, Json]] = {
    LineRequest: {
        "sku": _NAME,
        "quantity": {"description": "Written without a fraction: 1, not 1.0."},
    },
    OrderRequest: {
        "sale": {"description": "Its name in URLs.", **_NAME},
        "customer": {"pattern": rf"^{_NO_CONTROL}*[^\s\x00-\x1f\x7f-\x9f]{_NO_CONTROL}*$"},
        "lines": {"description": "What is ordered, no SKU in two lines: all of it or nothing."},
        "email": {"description": _EMAIL},
    },
    LineView: {"unit_price": _AMOUNT},
    OrderView: {
        "id": {"format": "uuid"},
        "customer": {"description": "Your id of the customer."},
        "email": {"description": "As you sent it; null where you sent none."},
        "status": {"description": _STATUSES, "enum": [status.value for status in Status]},
        "total": _AMOUNT,
        "currency": _CURRENCY,
        "created_at": _MOMENT,
        "hold_expires_at": {
            "description": "Until when it can be paid; null where nothing is to be paid.",
            "anyOf": [{"type": "string"} | _MOMENT, {"type": "null"}],
        },
        "metadata": {"description": "As you sent it; {} where you sent none."},
        "refund_due": {
            **_AMOUNT,
            "description": "What was paid and has to go back; absent where there is nothing.",
        },
    },
    Message: {
        "type": {"enum": [type_.value for type_ in EventType]},
        "timestamp": {"description": "When it happened."} | _MOMENT,
        "sequence": {"description": "Counts the order's events from 1 up.", "minimum": 1},
        "data": {"description": "The order, in the status that it had then."},
    },
}
_POINTER = "#/components/schemas/{name}"


def schemas() -> Json:
    """Return the schemas of all shapes by name, and of those they are made of."""
    shapes = [
        *(OrderRequest, OrderView, PaymentCallback, StripeEvent, NoticeView, SaleView),
        *(Message, Liveness, Readiness, ProblemView),
    ]
    _, found = msgspec.json.schema_components(shapes, ref_template=_POINTER)
    for shape, notes in _NOTES.items():
        for name, note in notes.items():
            found[shape.__name__]["properties"][name] |= note
    return found


def reference(shape: type[msgspec.Struct]) -> Json:
    """Return a reference to the schema of a shape."""
    return {"$ref": _POINTER.format(name=shape.__name__)}
