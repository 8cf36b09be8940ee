"""Event payloads: events, with all that any channel says of them."""

import json
from collections.abc import Collection
from contextlib import AbstractContextManager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from orders.domain import EventType, Status
from shop.core.logs import correlation
from shop.core.stores import sql
from shop.core.tracing.traceparent import trace_id_of

SQL = Path(__file__).parent / "sql"


class Line(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A line of an order, as read_payloads.sql has it."""

    sku: str
    product: str
    quantity: int
    unit_price: Decimal


class EventPayload(msgspec.Struct, frozen=True):
    """An event and its order, as the order was when it happened."""

    event_id: int
    type: EventType
    sequence: int
    happened_at: datetime
    refund_due: Decimal | None
    order_id: UUID
    client_id: int
    sale: str
    sale_name: str
    customer: str
    email: str
    currency: str
    total: Decimal
    metadata: str  # a JSON object
    accepted_at: datetime
    hold_expires_at: datetime | None
    lines: tuple[Line, ...]
    traceparent: str | None = None  # the trace of the request that placed the order

    def said(self, name: str) -> Any:
        """Return what the order's metadata says under a name, None where it says nothing."""
        return json.loads(self.metadata).get(name)

    @property
    def message_id(self) -> str:
        """The event's id for its receivers: the same for every attempt and every replay."""
        return f"evt_{self.event_id}"

    def about(self, **more: object) -> AbstractContextManager[None]:
        """Give the log lines of a block the fields of this event, and `more`."""
        return correlation.about(
            event_id=self.event_id,
            order_id=self.order_id,
            sale=self.sale,
            trace_id=trace_id_of(self.traceparent or ""),
            **more,
        )

    @property
    def status(self) -> Status:
        """The order's status after the event: each type but one leads to just one."""
        if self.type != EventType.PLACED:
            return Status(self.type.removeprefix("order."))
        return Status.AWAITING_PAYMENT if self.hold_expires_at else Status.CONFIRMED


_TYPE, _LINES = map(EventPayload.__struct_fields__.index, ("type", "lines"))
_decode_lines = msgspec.json.Decoder(tuple[Line, ...]).decode


def read_payloads(event_ids: Collection[int]) -> dict[int, EventPayload]:
    """Return these events by id, in one statement however many they are.

    By the ORM this was the largest part of what a notification costs besides its call.
    """
    rows = sql.run(SQL / "read_payloads.sql", {"event_ids": sql.array(event_ids)})
    return {row[0]: _payload(list(row)) for row in rows}


def _payload(row: list[Any]) -> EventPayload:
    """Return the payload in a row of read_payloads.sql."""
    row[_TYPE], row[_LINES] = EventType(row[_TYPE]), _decode_lines(row[_LINES])
    return EventPayload(*row)
