"""Decisions on batches of orders, and never one by counters of yesterday.

A Redis that has been restarted, replaced or promoted may hold an older copy of a sale. Each of
these gives it another replication id. The script reads that id and decides only where it is the one
that this process has compared with the ledger. The ledger cannot know yet of orders on their way
to it. This process remembers how many there are, and says so with each call.
"""

import asyncio
from collections.abc import Sequence

from django.conf import settings

from inventory.counters import Decision
from inventory.errors import CountersUnavailable, ServerNotCompared
from inventory.reservation import Reservation
from inventory.reserving import StockConnection
from orders.reads.reference_cache import KnownSale
from orders.services.verify_counters import verify_counters
from shop.core.processes.threads import in_thread

from .redis_memory import RedisMemory

TRIES = 3  # servers that take over from one another while a batch is decided


class StockReserver:
    """The counters as the intake asks them. Belongs to one event loop."""

    def __init__(self) -> None:
        self.connection = StockConnection()
        self._memory = RedisMemory(self.connection)
        self._server = b""  # the one that was compared with the ledger
        self._accepted: dict[tuple[int, int], int] = {}  # by sale and epoch
        self._verifying: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Disconnect."""
        await self._memory.close()
        await self.connection.close()

    async def reserve(self, sale: KnownSale, batch: Sequence[Reservation]) -> Decision:
        """Return the decision of a sale's counters on a batch of orders.

        Raises CountersLost, NotDurable, RedisFull, redis.RedisError, and where Redis is another
        one and cannot be compared now django.db.DatabaseError, CountersUnavailable or Overloaded.
        """
        counters = sale.id, sale.epoch
        self._memory.require_room()
        if not self._server:
            await self._compare()
        for _ in range(TRIES):
            try:
                decision = await self.connection.reserve(
                    sale.id,
                    sale.slug,
                    epoch=sale.epoch,
                    server=self._server,
                    accepted=self._accepted.get(counters, 0),
                    max_backlog=settings.OUTBOX_MAX_BACKLOG,
                    max_refusals=settings.INTAKE_MAX_REFUSALS,
                    batch=batch,
                )
                break
            except ServerNotCompared as other:
                await self._compare_with(other.server)
        else:
            raise CountersUnavailable("Redis goes from one server to another.")
        # Of two calls under way, the one that was decided first may be read last.
        self._accepted[counters] = max(self._accepted.get(counters, 0), decision.accepted)
        return decision

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
