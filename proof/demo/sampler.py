"""The progress of a demo sale, read from PostgreSQL again and again."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import closing

import psycopg2

from shop.local.database import connect, query

STATUSES = """
SELECT o.status, count(*) FROM orders_order o
JOIN inventory_sale s ON s.id = o.sale_id
WHERE s.slug = %s GROUP BY o.status
"""
UNSETTLED = """
SELECT count(*) FROM orders_paymentnotice
WHERE state = 'pending' AND starts_with(notice_id, %s)
"""
UNDELIVERED = """
SELECT count(*) FROM orders_delivery d
JOIN orders_endpoint endpoint ON endpoint.id = d.endpoint_id
JOIN orders_order o ON o.id = d.order_id
JOIN inventory_sale s ON s.id = o.sale_id
WHERE d.state = 'pending' AND s.slug = %s
    AND (endpoint.channel = 'email' OR endpoint.url = %s)
"""
HELD = "awaiting_payment"


class Sampler:
    """Keeps the last answers; they stand while PostgreSQL is away."""

    def __init__(
        self,
        database_url: Callable[[], str],
        sale: str,
        *,
        webhook_url: str,
        elapsed: Callable[[], float],
    ) -> None:
        """Ask where `database_url` says at the time; note the `elapsed` seconds with an answer."""
        self.statuses: Counter[str] = Counter()  # orders by their status
        self.unsettled = 0  # payments that wait for something
        self.undelivered = 0  # events on their way to an endpoint
        self._database_url = database_url
        self._sale = sale
        self._webhook_url = webhook_url
        self._elapsed = elapsed
        self._persisted: list[tuple[float, int]] = []

    @property
    def persisted(self) -> int:
        """Orders in the ledger."""
        return self.statuses.total()

    @property
    def held(self) -> int:
        """Orders that wait for their payment."""
        return self.statuses[HELD]

    def reached(self, orders: int) -> float | None:
        """Return when at least so many orders were seen first, None if they never were."""
        return next((at for at, seen in self._persisted if seen >= orders), None)

    async def sample(self) -> None:
        """Ask once."""
        try:
            self.statuses, self.unsettled, self.undelivered = await asyncio.to_thread(self._ask)
        except psycopg2.Error:
            return
        self._persisted.append((self._elapsed(), self.persisted))

    async def keep_sampling(self, every: float) -> None:
        """Ask again and again, until cancelled."""
        while True:
            await self.sample()
            await asyncio.sleep(every)

    def _ask(self) -> tuple[Counter[str], int, int]:
        with closing(connect(self._database_url())) as connection:
            statuses = query(connection, STATUSES, self._sale)
            [(unsettled,)] = query(connection, UNSETTLED, self._sale)
            [(undelivered,)] = query(connection, UNDELIVERED, self._sale, self._webhook_url)
        return Counter(dict(statuses)), unsettled, undelivered
