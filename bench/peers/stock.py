"""A peer's stock in Redis, seen from outside: sales are offered, accepted orders counted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import redis.asyncio

PATIENCE_SECONDS = 5.0
SCAN_COUNT = 1_000


@dataclass(frozen=True)
class RedisStock:
    """The stock and the requests that `reserve.lua` works on, under `prefix`."""

    client: redis.asyncio.Redis
    prefix: str

    async def offer(self, sale: str, sku: str, units: int) -> None:
        """Open a new sale of one SKU, with so many units in stock."""
        writing: Any = self.client.hset(f"{self.prefix}:{{{sale}}}:stock", sku, str(units))
        await writing

    async def accepted(self, sale: str) -> int:
        """Return how many requests of the sale have an accepted order on record."""
        counting: Any = self.client.hlen(f"{self.prefix}:{{{sale}}}:requests")
        return int(await counting)

    async def forget(self) -> None:
        """Remove every key of the prefix: the next contestant finds the server as this one did."""
        async for key in self.client.scan_iter(f"{self.prefix}:*", count=SCAN_COUNT):
            await self.client.unlink(key)


@asynccontextmanager
async def redis_stock(redis_url: str, prefix: str) -> AsyncIterator[RedisStock]:
    """Yield the stock under `prefix`, empty; nothing of it is left in Redis at the end."""
    async with redis.asyncio.Redis.from_url(
        redis_url,
        protocol=2,
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
    ) as client:
        stock = RedisStock(client, prefix)
        await stock.forget()
        try:
            yield stock
        finally:
            await stock.forget()
