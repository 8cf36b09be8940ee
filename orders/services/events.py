"""Events of orders, and their deliveries to endpoints."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from orders.domain import EventType
from orders.models import Endpoint
from orders.task_names import DELIVER_MAIL, DELIVER_SMS, DELIVER_WEBHOOKS
from shop.core.stores import sql
from shop.core.tasks.dispatch import send_on_commit

SQL = Path(__file__).parent / "sql"
_TASK = {
    Endpoint.Channel.WEBHOOK: DELIVER_WEBHOOKS,
    Endpoint.Channel.EMAIL: DELIVER_MAIL,
    Endpoint.Channel.SMS: DELIVER_SMS,
}


class Event(NamedTuple):
    """Something that has happened to an order."""

    order_id: UUID | str
    sequence: int  # counts the order's events from 1 up
    type: EventType
    refund_due: Decimal | None = None


def record_events(events: Sequence[Event]) -> None:
    """Write `events` and their deliveries, in the caller's transaction; then send a hint."""
    rows = [
        (str(event.order_id), event.sequence, event.type.value, event.refund_due)
        for event in events
    ]
    parameters = sql.columns(Event._fields, rows)
    for channel, _ in sql.run(SQL / "insert_events.sql", parameters):
        send_on_commit(_TASK[Endpoint.Channel(channel)])
