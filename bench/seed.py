"""Orders of the past: rows in PostgreSQL and records in Redis, as the product would have left."""

import hashlib
import time
import uuid
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import psycopg2
import redis
from psycopg2.extras import RealDictCursor

from inventory.counters import request_record
from inventory.counters.keys import Keys
from orders.domain import request_digest

SQL = Path(__file__).parent / "sql"
PAGE = 50_000  # orders in a transaction
RECORDS = 1_000  # in a command
NOTE = b"2500"  # the unit price in minor units, as the intake notes it
REDIS_SECONDS = 30.0
_MASK = (1 << 48) - 1


class Ground(NamedTuple):
    """A sale with one SKU, by its keys, and when its first seeded order was placed."""

    sale_id: int
    epoch: int
    allocation_id: int
    client_id: int
    first_ms: int

    def numbers(self, first: int, last: int) -> dict[str, int]:
        """Return the parameters of seed_orders.sql."""
        return {**self._asdict(), "first": first, "last": last}


class Seeder:
    """Writes orders for `sale`, which is new and has one SKU; each call blocks."""

    def __init__(self, database_url: str, redis_url: str, sale: str, *, most: int) -> None:
        """Be ready for `most` orders, a millisecond apart; the last one is a minute old."""
        self._connection = psycopg2.connect(database_url, connect_timeout=3)
        self._client = redis.Redis.from_url(redis_url, protocol=2, socket_timeout=REDIS_SECONDS)
        self._run: Any = self._client.execute_command
        first_ms = time.time_ns() // 1_000_000 - most - 60_000
        self.ground = Ground(**self._keys(sale), first_ms=first_ms)

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()
        self._client.close()

    def insert_rows(self, first: int, last: int) -> None:
        """Insert the orders with these numbers, four rows each, in one transaction."""
        self._execute("seed_orders.sql", self.ground.numbers(first, last))

    def keep_records(self, first: int, last: int) -> None:
        """Keep the records of their requests, as reserve.lua writes them."""
        requests = Keys.of(self.ground.sale_id).requests
        with self._client.pipeline(transaction=False) as pipe:
            for start in range(first, last + 1, RECORDS):
                page = range(start, min(start + RECORDS, last + 1))
                records: Any = dict(_record(self.ground, number) for number in page)
                pipe.hset(requests, mapping=records)
            pipe.execute()

    def count_in(self, orders: int) -> None:
        """Add so many orders to the counters and what they have bought to the stock row.

        Before there are rows of them: counters that lack an order are taken for an older copy.
        """
        keys, allocation = Keys.of(self.ground.sale_id), self.ground.allocation_id
        with self._client.pipeline(transaction=False) as pipe:
            pipe.hincrby(keys.stock, "orders", orders)
            pipe.hincrby(keys.stock, f"{allocation}:t", orders)
            pipe.hincrby(keys.stock, f"{allocation}:a", orders)
            pipe.execute()
        self._run("XSETID", keys.outbox, f"{self.ground.first_ms + orders}-0")
        self._execute("seed_stock.sql", {"allocation_id": allocation, "orders": orders})

    def analyze(self) -> None:
        """Let PostgreSQL do what it has had time for, where the past came little by little."""
        self._connection.autocommit = True  # for VACUUM
        with self._connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE)")
            cursor.execute("CHECKPOINT")
        self._connection.autocommit = False

    def _keys(self, sale: str) -> dict[str, int]:
        with self._connection.cursor(cursor_factory=RealDictCursor) as cursor:
            cursor.execute((SQL / "seeded_sale.sql").read_text(), {"sale": sale})
            keys: dict[str, int] = dict(cursor.fetchall()[0])
        self._connection.commit()
        return keys

    def _execute(self, name: str, parameters: Mapping[str, int]) -> None:
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute((SQL / name).read_text(), parameters)


def seed(database_url: str, redis_url: str, sale: str, orders: int) -> None:
    """Let it be as if `sale`, new and with one SKU, had sold to so many `orders` already."""
    with closing(Seeder(database_url, redis_url, sale, most=orders)) as seeder:
        seeder.count_in(orders)
        for first in range(1, orders + 1, PAGE):
            last = min(first + PAGE - 1, orders)
            seeder.insert_rows(first, last)
            seeder.keep_records(first, last)
        seeder.analyze()


def _record(ground: Ground, number: int) -> tuple[bytes, bytes]:
    """Return the digest of an order's request, and its record."""
    fingerprint = hashlib.md5(str(number).encode(), usedforsecurity=False).digest()
    record = request_record(
        fingerprint=fingerprint,
        order_id=seeded_id(ground.sale_id, ground.first_ms, number).bytes,
        now_ms=ground.first_ms + number,
        held_until_ms=0,
        note=NOTE,
        persisted=False,
    )
    return request_digest(ground.client_id, f"seed-{number}"), record


def seeded_id(sale_id: int, first_ms: int, number: int) -> uuid.UUID:
    """Return the id of the order with that number, as seed_orders.sql makes it."""
    value = (first_ms + number) << 80 | 0x8 << 76 | (sale_id >> 12) << 64
    value |= 0b10 << 62 | (sale_id & 0xFFF) << 50 | number & _MASK
    return uuid.UUID(int=value)
