"""Asking the counters: one script call per batch, and never an answer from counters of yesterday.

A Redis that has been restarted, replaced or promoted may hold an older copy of a sale. Each of
these gives it another replication id. The script reads that id and judges only where it is the one
that this process has compared with the ledger. What the ledger cannot know yet, orders on their way
to it, this process remembers: it says with each call how many it knows of.
"""

import asyncio
from collections.abc import Sequence
from hashlib import sha1
from typing import Any

from django.conf import settings
from redis.exceptions import NoScriptError

from inventory.counters import Decision
from inventory.counters.decisions import read_decision, reserve_arguments
from inventory.counters.keys import Keys
from inventory.counters.lua import LUA
from inventory.errors import CountersUnavailable, ServerNotCompared
from inventory.reservation import Reservation
from orders.reads.reference_cache import KnownSale
from orders.services.verify_counters import verify_counters
from shop.core.processes.threads import in_thread
from shop.core.stores.redis import async_client

from .room import Room

SCRIPT = (LUA / "reserve.lua").read_text()
SHA = sha1(SCRIPT.encode()).hexdigest()  # noqa: S324 - Redis' name for the script
TRIES = 3  # servers that take over from one another while a batch is judged
RESERVE_KEYS = 9  # the first ones of `Keys`, in this order


class NotDurable(Exception):
    """The orders were judged, and the answer is not yet safe where it was asked to be."""


class StockReserver:
    """The counters as the intake asks them. Belongs to one event loop."""

    def __init__(self) -> None:
        self.redis = async_client()
        self._room = Room(self.redis)
        self._server = b""  # the one that was compared with the ledger
        self._accepted: dict[tuple[int, int], int] = {}  # by sale and epoch
        self._verifying: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Disconnect."""
        await self._room.close()
        await self.redis.aclose()

    async def reserve(self, sale: KnownSale, batch: Sequence[Reservation]) -> Decision:
        """Return what a sale's counters say to a batch of orders.

        Raises CountersLost, NotDurable, NoRoom, redis.RedisError, and where Redis is another one
        and cannot be compared now django.db.DatabaseError, CountersUnavailable or Overloaded.
        """
        counters = sale.id, sale.epoch
        self._room.require()
        if not self._server:
            await self._compare()
        for _ in range(TRIES):
            known = self._accepted.get(counters, 0)
            reply = await self._call(
                sale.id,
                reserve_arguments(
                    epoch=sale.epoch,
                    max_backlog=settings.OUTBOX_MAX_BACKLOG,
                    accepted=known,
                    server=self._server,
                    max_refusals=settings.INTAKE_MAX_REFUSALS,
                    batch=batch,
                ),
            )
            try:
                decision = read_decision(sale.slug, reply)
                break
            except ServerNotCompared as other:
                await self._compare_with(other.server)
        else:
            raise CountersUnavailable("Redis goes from one server to another.")
        # Of two calls under way, the one that was judged first may be read last.
        self._accepted[counters] = max(self._accepted.get(counters, 0), decision.accepted)
        return decision

    async def _call(self, sale_id: int, arguments: list[bytes | str | int]) -> Any:
        try:
            return await self._ask(sale_id, arguments)
        except NoScriptError:
            await self.redis.script_load(SCRIPT)
            return await self._ask(sale_id, arguments)

    async def _ask(self, sale_id: int, arguments: list[bytes | str | int]) -> Any:
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
        # What was not judged, since this server has to be compared first, need not be safe.
        if reply[0] >= 0 and not _enough(copies):
            raise NotDurable(f"only {copies} of the copies that were asked for have it")
        return reply

    async def _compare_with(self, server: bytes) -> None:
        """Compare with the ledger a `server` that was not compared."""
        if server != self._server:  # else it was while this reply was on its way
            await self._compare()

    async def _compare(self) -> None:
        """Compare the server that answers with the ledger. Concurrent callers share this."""
        if self._verifying is None:
            self._verifying = asyncio.create_task(self._verify())
        await asyncio.shield(self._verifying)

    async def _verify(self) -> None:
        try:
            self._server = (await in_thread(verify_counters)).server
        finally:
            self._verifying = None


def _enough(copies: Any) -> bool:
    """Tell whether as many have it as the settings ask for, by the reply of WAIT or WAITAOF."""
    if settings.REDIS_WAIT_AOF:
        local, replicas = copies
        return bool(local >= 1 and replicas >= settings.REDIS_WAIT_REPLICAS)
    return bool(copies >= settings.REDIS_WAIT_REPLICAS)
