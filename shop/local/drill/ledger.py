"""What PostgreSQL says at the end of a drill."""

import asyncio
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import psycopg2

from shop.local.drill.judge import Row

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
    return dict(await query(database_url, SALES, list(slugs)))


async def read_rows(database_url: str, slugs: Sequence[str]) -> list[Row]:
    """Return all orders of these sales."""
    return [Row(*row) for row in await query(database_url, ROWS, list(slugs))]


async def query(database_url: str, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Return what `sql` finds. Raises psycopg2.OperationalError."""
    return await asyncio.to_thread(_query, database_url, sql, parameters)


def _query(database_url: str, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(database_url, connect_timeout=3)) as connection:
        connection.set_session(readonly=True)
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return list(cursor.fetchall())
