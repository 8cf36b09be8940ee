"""Reservations from an event loop: one call of reserve.lua for a batch of orders.

This module knows the order of the script's keys, its name in Redis, and how long a reply waits for
copies of what it says. Threads and workers use `inventory.counters`.
"""

from collections.abc import Sequence
from hashlib import sha1
from typing import Any

from django.conf import settings
from redis.exceptions import NoScriptError

from shop.core.stores.redis import async_client

from .counters.decisions import Decision, read_decision, reserve_arguments
from .counters.keys import Keys
from .counters.lua import LUA
from .errors import NotDurable
from .reservation import Reservation

SCRIPT = (LUA / "reserve.lua").read_text()
SHA = sha1(SCRIPT.encode()).hexdigest()  # noqa: S324 - Redis' name for the script
RESERVE_KEYS = 9  # the first ones of `Keys`, in this order


class StockConnection:
    """The connections of one event loop to the Redis that holds the counters."""

    def __init__(self) -> None:
        self.redis = async_client()

    async def close(self) -> None:
        """Disconnect."""
        await self.redis.aclose()

    async def reserve(
        self,
        sale_id: int,
        slug: str,
        *,
        epoch: int,
        server: bytes,
        accepted: int,
        max_backlog: int,
        max_refusals: int,
        batch: Sequence[Reservation],
    ) -> Decision:
        """Return the decision on a batch: on `server`, and by counters that know `accepted` orders.

        Beyond `max_backlog` orders that wait to be persisted, orders are refused; the sale
        remembers at most `max_refusals` refusals. Raises CountersLost, ServerNotCompared,
        NotDurable, redis.RedisError.
        """
        arguments = reserve_arguments(
            epoch=epoch,
            max_backlog=max_backlog,
            accepted=accepted,
            server=server,
            max_refusals=max_refusals,
            batch=batch,
        )
        try:
            reply = await self._call(sale_id, arguments)
        except NoScriptError:
            await self.redis.script_load(SCRIPT)
            reply = await self._call(sale_id, arguments)
        return read_decision(slug, reply)

    async def replace_record(self, sale_id: int, digest: bytes, record: bytes) -> None:
        """Write another record of an accepted request. Raises redis.RedisError."""
        await self.redis.hset(Keys.of(sale_id).requests, digest, record)

    async def memory_share(self) -> float:
        """Return how much of its memory Redis uses, 0 without a limit. Raises redis.RedisError."""
        memory = await self.redis.info("memory")
        limit = int(memory["maxmemory"])
        return int(memory["used_memory"]) / limit if limit else 0.0

    async def _call(self, sale_id: int, arguments: list[bytes | str | int]) -> Any:
        keys = Keys.of(sale_id)
        call: list[Any] = [SHA, RESERVE_KEYS, *keys[:RESERVE_KEYS], *arguments]
        if not settings.REDIS_WAIT_REPLICAS and not settings.REDIS_WAIT_AOF:
            return await self.redis.evalsha(*call)
        async with self.redis.pipeline(transaction=False) as pipe:
            pipe.evalsha(*call)
            # Waiting covers what this connection has written. A repeated request writes nothing,
            # and is to be as durable as the first one was: hence a write of its own.
            pipe.incr(keys.waits)
            if settings.REDIS_WAIT_AOF:
                pipe.execute_command(
                    "WAITAOF", 1, settings.REDIS_WAIT_REPLICAS, settings.REDIS_WAIT_MS
                )
            else:
                pipe.wait(settings.REDIS_WAIT_REPLICAS, settings.REDIS_WAIT_MS)
            reply, _, copies = await pipe.execute()
        # A server that has yet to be compared has decided nothing that would have to be safe.
        if reply[0] >= 0 and not _enough(copies):
            raise NotDurable(copies)
        return reply


def _enough(copies: Any) -> bool:
    """Tell whether as many have it as the settings ask for, by the reply of WAIT or WAITAOF."""
    if settings.REDIS_WAIT_AOF:
        local, replicas = copies
        return bool(local >= 1 and replicas >= settings.REDIS_WAIT_REPLICAS)
    return bool(copies >= settings.REDIS_WAIT_REPLICAS)
