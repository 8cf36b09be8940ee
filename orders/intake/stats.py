"""What this process answers, counted for the people who watch, and told once a second."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import redis

from inventory.reservation import (
    Accepted,
    AcceptedBefore,
    Closed,
    KeyReused,
    LimitReached,
    NotOpen,
    Outcome,
    Reservation,
    SoldOut,
)
from orders.reads.live_stats import NO_SALE, StatsDelta
from shop.core.stores.redis import async_client

logger = logging.getLogger(__name__)

TELL_EVERY_SECONDS = 1.0
UNAVAILABLE = "unavailable"
_NAMES: dict[type, str] = {
    Accepted: "accepted",
    SoldOut: "sold-out",
    LimitReached: "purchase-limit",
    NotOpen: "sale-not-open",
    Closed: "sale-closed",
    KeyReused: "idempotency-key-reused",
}


class LiveStats:
    """Counts answers. Belongs to one event loop."""

    def __init__(self) -> None:
        self._delta = StatsDelta()
        self._redis = async_client(max_connections=1)
        self._telling: asyncio.Task[None] | None = None

    def decided(
        self,
        sale_id: int,
        asked: Sequence[tuple[Reservation, Outcome]],
        since: Sequence[float],
    ) -> None:
        """Count a script call that was answered just now, for orders that waited `since`."""
        self._delta.decided(sale_id, since, time.monotonic())
        self._count(sale_id, Counter([outcome_name(*each) for each in asked]))

    def undecided(self, sale_id: int, orders: int) -> None:
        """Count orders of a sale that its counters could not be asked about."""
        self._count(sale_id, Counter({UNAVAILABLE: orders}))

    def refused(self, slug: str) -> None:
        """Count a request that was answered with a problem before its sale's turn had come."""
        self._count(NO_SALE, Counter({slug: 1}))

    def ended(self, reasons: Counter[str]) -> None:
        """Count connections that were ended, by reason."""
        self._delta.ended(reasons)
        self._tell_soon()

    async def close(self) -> None:
        """Tell the rest, if Redis is there, and disconnect."""
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.wait([self._telling])
        with suppress(redis.RedisError):
            await self._tell()
        await self._redis.aclose()

    def _count(self, sale_id: int, outcomes: Counter[str]) -> None:
        self._delta.answered(sale_id, outcomes)
        self._tell_soon()

    def _tell_soon(self) -> None:
        if self._telling is None:
            self._telling = asyncio.get_running_loop().create_task(self._keep_telling())

    async def _keep_telling(self) -> None:
        while self._delta:
            await asyncio.sleep(TELL_EVERY_SECONDS)
            try:
                await self._tell()
            except redis.RedisError as error:
                logger.info("the figures of this second are told later: %s", error)
        self._telling = None

    async def _tell(self) -> None:
        delta, self._delta = self._delta, StatsDelta()
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                delta.write(pipe)
                await pipe.execute()
        except redis.RedisError:
            self._delta.put_back(delta)
            raise


def outcome_name(reservation: Reservation, outcome: Outcome) -> str:
    """Return what an outcome is called, in the figures and in traces."""
    if isinstance(outcome, AcceptedBefore):
        # Its own order: the script ran twice because a connection broke in between.
        return "accepted" if outcome.order_id == reservation.order_id else "replayed"
    if isinstance(outcome, SoldOut | LimitReached) and outcome.replayed:
        return "replayed"
    return _NAMES.get(type(outcome), UNAVAILABLE)
