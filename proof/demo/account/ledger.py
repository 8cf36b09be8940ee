"""A demo sale as PostgreSQL has it: orders with events, payments and deliveries."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple

from shop.local.database import connect, query

ORDERS = """
SELECT
    o.request_key, o.id::text, o.status,
    (
        SELECT json_object_agg(p.sku, l.quantity)
        FROM orders_orderline l
        JOIN inventory_allocation a ON a.id = l.allocation_id
        JOIN inventory_product p ON p.id = a.product_id
        WHERE l.order_id = o.id
    ),
    (
        SELECT json_agg(
            json_build_array(
                e.sequence, e.type, extract(epoch FROM now() - e.created_at),
                e.refund_due IS NOT NULL
            ) ORDER BY e.sequence
        )
        FROM orders_orderevent e WHERE e.order_id = o.id
    ),
    extract(epoch FROM now() - o.hold_expires_at)::float,
    o.refund_due IS NOT NULL
FROM orders_order o
JOIN inventory_sale s ON s.id = o.sale_id
WHERE s.slug = %s
"""
PAYMENTS = """
SELECT n.notice_id, n.order_id::text, n.type, n.state FROM orders_paymentnotice n
WHERE starts_with(n.notice_id, %s)
"""
DELIVERIES = """
SELECT endpoint.channel, d.state, count(*), sum(greatest(d.attempts - 1, 0))
FROM orders_delivery d
JOIN orders_endpoint endpoint ON endpoint.id = d.endpoint_id
JOIN orders_order o ON o.id = d.order_id
JOIN inventory_sale s ON s.id = o.sale_id
WHERE s.slug = %s AND (endpoint.channel = 'email' OR endpoint.url = %s)
GROUP BY endpoint.channel, d.state
"""


class Event(NamedTuple):
    """An event of an order; `at` is in seconds from the sale's start."""

    sequence: int
    type: str
    at: float = 0.0
    owes: bool = False  # money came in that has to go back


@dataclass(frozen=True, slots=True)
class Row:
    """An order as it stands in PostgreSQL."""

    key: str
    order_id: str
    status: str
    lines: Mapping[str, int]
    events: Sequence[Event]
    hold_ends_at: float = 0.0  # seconds from the sale's start
    owes: bool = False


class Payment(NamedTuple):
    """A payment provider's message, and its state."""

    message_id: str
    order_id: str
    type: str
    state: str


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Events on their way to an endpoint of `channel`, by their state."""

    channel: str
    state: str
    count: int
    repeated: int  # attempts after the first


@dataclass(frozen=True)
class Ledger:
    """Everything about one sale."""

    rows: Sequence[Row] = ()
    payments: Sequence[Payment] = ()
    deliveries: Sequence[Deliveries] = ()


def read_ledger(
    database_url: str, sale: str, *, webhook_url: str, elapsed: Callable[[], float]
) -> Ledger:
    """Return all that is known of `sale`. Raises psycopg2.OperationalError.

    Moments are read as ages, so that the clocks of two machines need not agree. They come out a
    little early rather than late.
    """
    began = elapsed()
    with closing(connect(database_url)) as connection:
        return Ledger(
            rows=[_row(began, *row) for row in query(connection, ORDERS, sale)],
            payments=[Payment(*row) for row in query(connection, PAYMENTS, sale)],
            deliveries=[
                Deliveries(channel, state, count, int(repeated))
                for channel, state, count, repeated in query(
                    connection, DELIVERIES, sale, webhook_url
                )
            ],
        )


def _row(began: float, *columns: Any) -> Row:
    key, order_id, status, lines, events, hold_age, owes = columns
    return Row(
        key=key,
        order_id=order_id,
        status=status,
        lines=lines or {},
        events=[
            Event(sequence, type_, began - age, event_owes)
            for sequence, type_, age, event_owes in events or ()
        ],
        hold_ends_at=began - (hold_age or 0.0),
        owes=owes,
    )
