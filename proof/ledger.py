"""The orders of a sale as PostgreSQL has them, for drill and soak."""

from collections.abc import Sequence
from typing import NamedTuple

from shop.local.database import ask

SALES = "SELECT slug, id FROM inventory_sale WHERE slug = ANY(%s)"
ORDERS = """
SELECT o.request_key, o.id::text, s.slug, o.status, l.units
FROM orders_order o
JOIN inventory_sale s ON s.id = o.sale_id
JOIN LATERAL (
    SELECT sum(quantity)::int AS units FROM orders_orderline WHERE order_id = o.id
) l ON true
WHERE s.slug = ANY(%s)
"""


class LedgerOrder(NamedTuple):
    """An order as it stands in PostgreSQL."""

    key: str
    order_id: str
    sale: str
    status: str
    units: int


async def sale_ids(database_url: str, slugs: Sequence[str]) -> dict[str, int]:
    """Return the id of each sale. Raises psycopg2.OperationalError."""
    return dict(await ask(database_url, SALES, list(slugs)))


async def read_orders(database_url: str, slugs: Sequence[str]) -> list[LedgerOrder]:
    """Return all orders of these sales. Raises psycopg2.OperationalError."""
    return [LedgerOrder(*row) for row in await ask(database_url, ORDERS, list(slugs))]
