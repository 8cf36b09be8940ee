"""What PostgreSQL says at the end of a drill."""

from collections.abc import Sequence

from shop.local.database import ask

from .findings import Row

SALES = "SELECT slug, id FROM inventory_sale WHERE slug = ANY(%s)"
ROWS = """
SELECT o.request_key, o.id::text, s.slug, o.status, l.units
FROM orders_order o
JOIN inventory_sale s ON s.id = o.sale_id
JOIN LATERAL (
    SELECT sum(quantity)::int AS units FROM orders_orderline WHERE order_id = o.id
) l ON true
WHERE s.slug = ANY(%s)
"""


async def sale_ids(database_url: str, slugs: Sequence[str]) -> dict[str, int]:
    """Return the id of each sale."""
    return dict(await ask(database_url, SALES, list(slugs)))


async def read_rows(database_url: str, slugs: Sequence[str]) -> list[Row]:
    """Return all orders of these sales."""
    return [Row(*row) for row in await ask(database_url, ROWS, list(slugs))]
