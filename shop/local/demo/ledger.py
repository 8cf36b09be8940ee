"""What the product's own books say about a demo sale: the ledger's rows, and `reconcile`."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass

import psycopg2

from shop.local.errors import CommandFailed
from shop.local.stack import Stack
from shop.local.web import Web

ROWS = """
SELECT
    o.request_key, o.id::text, o.status,
    (
        SELECT json_object_agg(p.sku, l.quantity)
        FROM orders_orderline l
        JOIN inventory_allocation a ON a.id = l.allocation_id
        JOIN inventory_product p ON p.id = a.product_id
        WHERE l.order_id = o.id
    ),
    (SELECT count(*) FROM orders_orderevent e WHERE e.order_id = o.id AND e.type = 'order.placed')
FROM orders_order o
JOIN inventory_sale s ON s.id = o.sale_id
WHERE s.slug = %s
"""


@dataclass(frozen=True, slots=True)
class Row:
    """An order as it stands in PostgreSQL."""

    key: str
    order_id: str
    status: str
    lines: Mapping[str, int]
    events: int  # `order.placed`


@dataclass(frozen=True, slots=True)
class Look:
    """A reconciliation. `drift` is in units, None where it could not tell."""

    during: bool  # it had ended before the last order was sent
    drift: int | None
    reason: str = ""


def read_rows(database_url: str, sale: str) -> list[Row]:
    """Return all orders of `sale`. Raises psycopg2.OperationalError."""
    with (
        closing(psycopg2.connect(database_url, connect_timeout=3)) as connection,
        connection.cursor() as cursor,
    ):
        connection.set_session(readonly=True)
        cursor.execute(ROWS, [sale])
        return [
            Row(key, order_id, status, lines or {}, events)
            for key, order_id, status, lines, events in cursor.fetchall()
        ]


class Persisted:
    """How many units of a sale the API has shown as held or sold, and when."""

    def __init__(self, web: Web, sale: str, *, elapsed: Callable[[], float]) -> None:
        """Note the seconds that have `elapsed` since the start with each sample."""
        self.units = 0
        self._web = web
        self._path = f"/api/v1/sales/{sale}"
        self._elapsed = elapsed
        self._samples: list[tuple[float, int]] = []

    async def sample(self) -> None:
        """Ask once; while nobody answers, the last answer stands."""
        reply = await self._web.get(self._path)
        if reply.status == 200:
            self.units = sum(sku["held"] + sku["sold"] for sku in json.loads(reply.text)["skus"])
            self._samples.append((self._elapsed(), self.units))

    async def keep_sampling(self, every: float) -> None:
        """Ask again and again, until cancelled."""
        while True:
            await self.sample()
            await asyncio.sleep(every)

    def reached(self, units: int) -> float | None:
        """Return when at least `units` were seen first, None if they never were."""
        return next((at for at, seen in self._samples if seen >= units), None)


async def reconcile(stack: Stack, sale: str, *, during: Callable[[], bool]) -> Look:
    """Compare Redis with PostgreSQL, by the command that operators use; `during` is asked after."""
    try:
        output = await stack.manage("reconcile", sale, "--json")
    except CommandFailed as error:  # drift is a failure of the command, too
        output = error.output
    drift, lines = read_drift(output), output.strip().splitlines()
    reason = lines[-1] if drift is None and lines else ""
    return Look(during=during(), drift=drift, reason=reason)


def read_drift(output: str) -> int | None:
    """Return the drift that `reconcile --json` has printed, None if it has printed none."""
    for line in output.splitlines():
        try:
            return int(json.loads(line)["drift"])
        except (ValueError, TypeError, KeyError):
            continue
    return None
