"""Asking the counters: one script call per batch, and never an answer from counters of yesterday.

A Redis that has been restarted, replaced or promoted may hold an older copy of a sale. Its cache of
scripts is empty then, in each of these cases, and part of no copy. So the script that judges orders
is given to a server only after its counters were compared with the ledger; until then the server
itself refuses the call. What the ledger cannot know yet, orders on their way to it, this process
remembers: it says with each call how many it knows of.
"""

import asyncio
from collections.abc import Sequence
from hashlib import sha1
from typing import Any

from django.conf import settings
from redis.exceptions import NoScriptError

from inventory.counters import LUA, Judged, Keys, read_judgement, reserve_arguments
from inventory.reservation import Reservation
from orders.services.attest import attest_counters
from shop.core.redis import async_client
from shop.core.threads import in_thread

from .directory import KnownSale

SCRIPT = (LUA / "reserve.lua").read_text()
SHA = sha1(SCRIPT.encode()).hexdigest()  # noqa: S324 - Redis' name for the script
RESERVE_KEYS = 9  # the first ones of `Keys`, in this order


class NotDurable(Exception):
    """The orders were judged, and the answer is not yet safe where it was asked to be."""


class Judge:
    """The counters as the intake asks them. Belongs to one event loop."""

    def __init__(self) -> None:
        self.redis = async_client()
        self._accepted: dict[tuple[int, int], int] = {}  # by sale and epoch
        self._attesting: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Disconnect."""
        await self.redis.aclose()

    async def judge(self, sale: KnownSale, batch: Sequence[Reservation]) -> Judged:
        """Return what a sale's counters say to a batch of orders.

        Raises CountersLost, NotDurable, redis.RedisError, and where Redis is another one and cannot
        be compared now django.db.DatabaseError, CountersUnavailable or Overloaded.
        """
        counters = sale.id, sale.epoch
        known = self._accepted.get(counters, 0)
        arguments = reserve_arguments(sale.epoch, settings.OUTBOX_MAX_BACKLOG, known, batch)
        try:
            reply = await self._call(sale.id, arguments)
        except NoScriptError:
            await self._attest()
            reply = await self._call(sale.id, arguments)
        judged = read_judgement(sale.slug, reply)
        # Of two calls under way, the one that was judged first may be read last.
        self._accepted[counters] = max(self._accepted.get(counters, 0), judged.accepted)
        return judged

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
        if not _enough(copies):
            raise NotDurable(f"only {copies} of the copies that were asked for have it")
        return reply

    async def _attest(self) -> None:
        """Compare this server's counters with the ledger; who asks meanwhile shares the result."""
        if self._attesting is None:
            self._attesting = asyncio.create_task(self._compare())
        await asyncio.shield(self._attesting)

    async def _compare(self) -> None:
        try:
            await in_thread(attest_counters)
            await self.redis.script_load(SCRIPT)
        finally:
            self._attesting = None


def _enough(copies: Any) -> bool:
    """Tell whether as many have it as the settings ask for, by the reply of WAIT or WAITAOF."""
    if settings.REDIS_WAIT_AOF:
        local, replicas = copies
        return bool(local >= 1 and replicas >= settings.REDIS_WAIT_REPLICAS)
    return bool(copies >= settings.REDIS_WAIT_REPLICAS)
