"""The message that tells a program of an event (Standard Webhooks, "Payload")."""

import msgspec

from inventory.money import to_minor
from orders.http.representation import OrderView, order_view
from shop.core.clock import rfc3339, to_ms

from .event_payload import Notice


class Message(msgspec.Struct, frozen=True, gc=False):
    """The body of an event, as every webhook gets it."""

    type: str
    timestamp: str  # of the event, RFC 3339
    sequence: int  # counts the order's events from 1 up
    data: OrderView  # the order in the status that it had at this event


_encoder = msgspec.json.Encoder()


def encode_message(notice: Notice) -> bytes:
    """Return the JSON that tells of an event: the same bytes however often it is made."""
    return _encoder.encode(
        Message(
            type=notice.type.value,
            timestamp=rfc3339(to_ms(notice.happened_at)),
            sequence=notice.sequence,
            data=_order(notice),
        )
    )


def _order(notice: Notice) -> OrderView:
    currency, held_until = notice.currency, notice.hold_expires_at
    return order_view(
        order_id=str(notice.order_id),
        sale=notice.sale,
        customer=notice.customer,
        email=notice.email,
        status=notice.status.value,
        lines=[
            (line.sku, line.quantity, to_minor(line.unit_price, currency)) for line in notice.lines
        ],
        currency=currency,
        accepted_at_ms=to_ms(notice.accepted_at),
        held_until_ms=to_ms(held_until) if held_until else 0,
        metadata=notice.metadata,
        refund_due=to_minor(notice.refund_due, currency) if notice.refund_due else 0,
    )
