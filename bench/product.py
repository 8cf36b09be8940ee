"""The product as a contestant: as it is shipped, all its processes running, every feature on."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from redis.asyncio import Redis

from bench.contestant import Servers
from bench.processes import freeze, thaw
from proof.drill.fault_context import key
from proof.ledger import sale_ids
from shop.local.database import ask
from shop.local.errors import LocalStackError
from shop.local.servers.ports import kept_port
from shop.local.stack import Stack

PRICE = "25.00"
UNKNOWN_SKU = 422
ASKERS = 16  # connections, so that each of a few processes gets some
PATIENCE_SECONDS = 10.0
PERSISTED = """
SELECT count(*) FROM orders_order o JOIN inventory_sale s ON s.id = o.sale_id WHERE s.slug = %s
"""


@dataclass
class RunningProduct:
    """The product's processes, with looks into its stores; see `Running`."""

    stack: Stack
    client: Redis
    api_key: str
    _ids: dict[str, int] = field(default_factory=dict)  # of sales, by slug

    @property
    def url(self) -> str:
        """The root of the site."""
        return self.stack.web.url

    def pids(self) -> dict[str, int]:
        """Return the head process of each of its services."""
        services = self.stack.services.items()
        return {name: service.pid for name, service in services if service.pid}

    async def offer(self, sale: str, sku: str, units: int) -> None:
        """Open a new sale of one SKU."""
        await self.open_sale(sale, {sku: units})

    async def open_sale(self, sale: str, stock: Mapping[str, int]) -> None:
        """Open a new sale of so many units of each SKU."""
        skus = [f"--sku={sku}:{units}:{PRICE}" for sku, units in stock.items()]
        await self.stack.manage("create_sale", sale, *skus)
        await self._until_known(sale)

    async def _until_known(self, sale: str) -> None:
        """Let every web process read its copy of the sales, as it has hours before a real sale.

        The first order for a sale that was created this very second waits for that.
        """
        order = {"sale": sale, "customer": "nobody", "lines": [{"sku": "UNKNOWN", "quantity": 1}]}
        headers = {"Authorization": f"Bearer {self.api_key}", "Idempotency-Key": "nothing"}
        async with aiohttp.ClientSession(headers=headers) as session:

            async def ask() -> None:
                async with session.post(f"{self.url}/api/v1/orders", json=order) as reply:
                    if reply.status != UNKNOWN_SKU:
                        raise LocalStackError(f"{sale} is not known: {await reply.text()}")

            await asyncio.gather(*(ask() for _ in range(ASKERS)))

    async def accepted(self, sale: str) -> int:
        """Return how many orders Redis has accepted."""
        found: Any = await self.client.hget(await self.key_of(sale, "stock"), "orders")
        return int(found or 0)

    async def persisted(self, sale: str) -> int | None:
        """Return how many orders are in PostgreSQL."""
        rows = await ask(self.stack.endpoints.database_url, PERSISTED, sale)
        return int(rows[0][0])

    async def backlog(self, sale: str) -> int:
        """Return how many orders are accepted and not acknowledged as persisted."""
        return int(await self.client.xlen(await self.key_of(sale, "outbox")))

    async def pause_workers(self) -> None:
        """Freeze the worker that persists."""
        freeze(self.pids()["worker"])

    async def resume_workers(self) -> None:
        """Let it go on."""
        thaw(self.pids()["worker"])

    async def id_of(self, sale: str) -> int:
        """Return the number of a sale."""
        if sale not in self._ids:
            self._ids |= await sale_ids(self.stack.endpoints.database_url, [sale])
        return self._ids[sale]

    async def key_of(self, sale: str, name: str) -> str:
        """Return the key called `name` of a sale."""
        return key(await self.id_of(sale), name)


@dataclass(frozen=True)
class Product:
    """The product on given servers; `env` goes before its own settings."""

    env: Mapping[str, str] = field(default_factory=dict)
    name: str = "product"

    def missing(self) -> str | None:
        """Return None: all that it needs is installed."""
        return None

    @asynccontextmanager
    async def running(
        self, servers: Servers, *, processes: int = 1
    ) -> AsyncIterator[RunningProduct]:
        """Run it with so many web processes. Raises a LocalStackError."""
        state = servers.state / self.name
        env = {
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "CELERY_BROKER_URL": "",  # databases of the same server, as by default
            "CACHE_URL": "",
            "PORT": str(kept_port(state, "web")),
            "FLOWER_PORT": str(kept_port(state, "flower")),
            "WEB_CONCURRENCY": str(processes),
            "WORKER_CONCURRENCY": "2",
            **self.env,
        }
        async with AsyncExitStack() as exits:
            stack = await exits.enter_async_context(Stack(state, env=env))
            client = await exits.enter_async_context(_client(servers.redis_url))
            api_key = (await stack.manage("create_client", "bench")).splitlines()[-1].strip()
            product = RunningProduct(stack, client, api_key)
            exits.push_async_callback(product.resume_workers)  # what is frozen hears of no end
            yield product
            _require_undisturbed(stack)


def _client(url: str) -> Redis:
    return Redis.from_url(
        url, protocol=2, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS
    )


def _require_undisturbed(stack: Stack) -> None:
    """Refuse figures of a run in which a process died."""
    if died := dict(stack.supervisor.deaths):
        told = ", ".join(f"{name} {times} ×" for name, times in died.items())
        raise LocalStackError(f"processes died while they were measured: {told}")
