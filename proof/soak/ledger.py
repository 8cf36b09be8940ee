"""A soak's orders and events as PostgreSQL has them."""

from shop.local.database import ask
from shop.local.stack import Stack

LAST_EVENT = "SELECT coalesce(max(id), 0) FROM orders_orderevent"
HAPPENED = "SELECT type, count(*)::int FROM orders_orderevent WHERE id > %s AND id <= %s GROUP BY 1"
UNDER_WAY = """
SELECT
    (SELECT count(*) FROM orders_order o JOIN inventory_sale s ON s.id = o.sale_id
        WHERE s.slug = %s
            AND (o.status = 'awaiting_payment'
                OR o.status IN ('cancelled', 'expired', 'rejected', 'refunded')
                    AND o.release_place IS NULL))
    + (SELECT count(*) FROM orders_paymentnotice
        WHERE state = 'pending' AND starts_with(reference, %s))
    + (SELECT count(*) FROM orders_delivery d JOIN orders_endpoint e ON e.id = d.endpoint_id
        WHERE d.state = 'pending' AND e.url = %s)
    + (SELECT CASE WHEN count(*) >= %s THEN 0 ELSE 1 END
        FROM orders_order o JOIN inventory_sale s ON s.id = o.sale_id WHERE s.slug = %s)
"""


class EventCounts:
    """Counts events by their type, from one reading to the next."""

    def __init__(self, stack: Stack) -> None:
        """Begin with the events after the first reading."""
        self._stack = stack
        self._last: int | None = None

    async def read_new(self) -> dict[str, int]:
        """Return the events since the last reading, by type. Raises psycopg2.OperationalError."""
        url = self._stack.endpoints.database_url
        [(until,)] = await ask(url, LAST_EVENT)
        since, self._last = self._last, until
        return dict(await ask(url, HAPPENED, since, until)) if since is not None else {}


async def is_settled(stack: Stack, sale: str, *, accepted: int, webhook_url: str) -> bool:
    """Return whether nothing of a sale is under way any more, also to its webhook.

    Raises psycopg2.OperationalError.
    """
    url = stack.endpoints.database_url
    [(under_way,)] = await ask(url, UNDER_WAY, sale, sale, webhook_url, accepted, sale)
    return not under_way
