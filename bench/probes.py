"""The time from acceptance until PostgreSQL shows an order, for a sample of the orders."""

import asyncio
import threading
from contextlib import closing, suppress
from time import time
from typing import Any, Self

import psycopg2

LOOK_SECONDS = 0.01
WAIT_SECONDS = 30.0  # at most, for the last ones
SEEN = (
    "SELECT id::text, extract(epoch FROM accepted_at) FROM orders_order WHERE id = ANY(%s::uuid[])"
)


class Probes:
    """Looks every 10 ms for the orders it was told of, inside an `async with`.

    The sample is of orders, by their ids: rows beyond the last position seen would leave out those
    that are committed after their successors, which with two workers are the late ones.
    """

    def __init__(self, database_url: str) -> None:
        self.delays: list[float] = []  # seconds from an order's acceptance until it was seen
        self._database_url = database_url
        self._waiting: set[str] = set()
        self._lock = threading.Lock()
        self._over = threading.Event()

    def add(self, order_id: str) -> None:
        """Look for an order that was just accepted."""
        with self._lock:
            self._waiting.add(order_id)

    async def __aenter__(self) -> Self:
        self._watch = asyncio.create_task(asyncio.to_thread(self._look_on))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over.set()
        await self._watch

    @property
    def unseen(self) -> int:
        """The number of orders that were not seen."""
        return len(self._waiting)

    def _look_on(self) -> None:
        with closing(psycopg2.connect(self._database_url, connect_timeout=3)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                while not self._over.wait(LOOK_SECONDS):
                    self._look(cursor)
                deadline = time() + WAIT_SECONDS
                while self._waiting and time() < deadline:
                    self._look(cursor)

    def _look(self, cursor: Any) -> None:
        with self._lock:
            wanted = [*self._waiting]
        if not wanted:
            return
        cursor.execute(SEEN, [wanted])
        now = time()
        for order_id, accepted_at in cursor.fetchall():
            self.delays.append(now - float(accepted_at))
            with self._lock, suppress(KeyError):
                self._waiting.remove(order_id)
