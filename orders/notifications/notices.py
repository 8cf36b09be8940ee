"""What there is to tell: events, with all that any channel says of them."""

import json
from collections import defaultdict
from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from orders.domain import EventType, Status
from orders.models import OrderEvent, OrderLine
from shop.core import correlation
from shop.core.traceparent import trace_id_of


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the order, with its product's name."""

    sku: str
    product: str
    quantity: int
    unit_price: Decimal


@dataclass(frozen=True, slots=True)
class Notice:
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
        """What names this event to its receivers: the same for every attempt and every replay."""
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


# Where each field of a notice is found, seen from its event.
_SOURCES = {
    "event_id": "id",
    "type": "type",
    "sequence": "sequence",
    "happened_at": "created_at",
    "refund_due": "refund_due",
    "order_id": "order_id",
    "client_id": "order__client_id",
    "sale": "order__sale__slug",
    "sale_name": "order__sale__name",
    "customer": "order__customer",
    "email": "order__email",
    "currency": "order__currency",
    "total": "order__total",
    "metadata": "order__metadata",
    "accepted_at": "order__accepted_at",
    "hold_expires_at": "order__hold_expires_at",
    "traceparent": "order__traceparent",
}


def read_notices(event_ids: Collection[int]) -> dict[int, Notice]:
    """Return these events by id, in two queries however many they are."""
    rows = OrderEvent.objects.filter(pk__in=event_ids).order_by("pk")
    found = [dict(zip(_SOURCES, row, strict=True)) for row in rows.values_list(*_SOURCES.values())]
    lines = _lines({fields["order_id"] for fields in found})
    return {
        fields["event_id"]: Notice(
            **fields
            | {"type": EventType(fields["type"]), "lines": tuple(lines[fields["order_id"]])}
        )
        for fields in found
    }


def _lines(order_ids: Collection[UUID]) -> dict[UUID, list[Line]]:
    lines = defaultdict(list)
    rows = OrderLine.objects.filter(order__in=order_ids).order_by("pk")
    for order_id, sku, product, quantity, unit_price in rows.values_list(
        "order_id",
        "allocation__product__sku",
        "allocation__product__name",
        "quantity",
        "unit_price",
    ):
        lines[order_id].append(Line(sku, product, quantity, unit_price))
    return lines
