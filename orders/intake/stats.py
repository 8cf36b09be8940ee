"""Live stats of this process: its replies, counted and sent to Redis once a second."""

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

SEND_EVERY_SECONDS = 1.0
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
    """Counts replies. Belongs to one event loop."""

    def __init__(self) -> None:
        self._delta = StatsDelta()
        self._redis = async_client(max_connections=1)
        self._sending: asyncio.Task[None] | None = None

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
        """Count a problem that was replied before a sale's counters were asked."""
        self._count(NO_SALE, Counter({slug: 1}))

    def ended(self, reasons: Counter[str]) -> None:
        """Count connections that were ended, by reason."""
        self._delta.ended(reasons)
        self._send_soon()

    async def close(self) -> None:
        """Send the rest, if Redis is there, and disconnect."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait([self._sending])
        with suppress(redis.RedisError):
            await self._send()
        await self._redis.aclose()

    def _count(self, sale_id: int, outcomes: Counter[str]) -> None:
        self._delta.answered(sale_id, outcomes)
        self._send_soon()

    def _send_soon(self) -> None:
        if self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._keep_sending())

    async def _keep_sending(self) -> None:
        while self._delta:
            await asyncio.sleep(SEND_EVERY_SECONDS)
            try:
                await self._send()
            except redis.RedisError as error:
                logger.info("the figures of this second are sent later: %s", error)
        self._sending = None

    async def _send(self) -> None:
        delta, self._delta = self._delta, StatsDelta()
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                delta.write(pipe)
                await pipe.execute()
        except redis.RedisError:
            self._delta.put_back(delta)
            raise


def outcome_name(reservation: Reservation, outcome: Outcome) -> str:
    """Return the name of an outcome in figures and traces."""
    if isinstance(outcome, AcceptedBefore):
        # Its own order: the script ran twice because a connection broke in between.
        return "accepted" if outcome.order_id == reservation.order_id else "replayed"
    if isinstance(outcome, SoldOut | LimitReached) and outcome.replayed:
        return "replayed"
    return _NAMES.get(type(outcome), UNAVAILABLE)
