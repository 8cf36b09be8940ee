"""The message that tells a program of an event (Standard Webhooks, "Payload")."""

import msgspec

from inventory.money import to_minor
from orders.http.representation import OrderView, order_view
from orders.notifications.event_payload import EventPayload
from shop.core.clock import rfc3339, to_ms


class Message(msgspec.Struct, frozen=True, gc=False):
    """The body of an event, as every webhook gets it."""

    type: str
    timestamp: str  # of the event, RFC 3339
    sequence: int  # counts the order's events from 1 up
    data: OrderView  # the order in the status that it had at this event


_encoder = msgspec.json.Encoder()


def encode_message(payload: EventPayload) -> bytes:
    """Return the JSON that tells of an event: the same bytes however often it is made."""
    return _encoder.encode(
        Message(
            type=payload.type.value,
            timestamp=rfc3339(to_ms(payload.happened_at)),
            sequence=payload.sequence,
            data=_order(payload),
        )
    )


def _order(payload: EventPayload) -> OrderView:
    currency, held_until = payload.currency, payload.hold_expires_at
    return order_view(
        order_id=str(payload.order_id),
        sale=payload.sale,
        customer=payload.customer,
        email=payload.email,
        status=payload.status.value,
        lines=[
            (line.sku, line.quantity, to_minor(line.unit_price, currency)) for line in payload.lines
        ],
        currency=currency,
        accepted_at_ms=to_ms(payload.accepted_at),
        held_until_ms=to_ms(held_until) if held_until else 0,
        metadata=payload.metadata,
        refund_due=to_minor(payload.refund_due, currency) if payload.refund_due else 0,
    )
