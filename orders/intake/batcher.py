"""Micro-batches: orders that arrive while one script call is under way make up the next one."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import redis
from django.conf import settings
from django.db import DatabaseError

from inventory.errors import CountersLost, CountersUnavailable, NotDurable
from inventory.reservation import Outcome, Reservation
from orders.errors import Undecided
from orders.reads.reference_cache import KnownSale, ReferenceCache
from orders.task_names import PERSIST_ORDERS
from shop.core.processes.threads import Overloaded
from shop.core.tasks import dispatch
from shop.core.tracing import process

from . import order_spans
from .recent_accepts import RecentAccepts
from .redis_memory import RedisFull
from .reserving import StockReserver
from .stats import LiveStats

logger = logging.getLogger(__name__)

MAX_CALLS = 2  # under way per sale
MAX_BATCH_LINES = 1000  # a Lua call takes some 8,000 values at once


OnOutcome = Callable[[Outcome | Undecided], None]


class _Waiting(msgspec.Struct, frozen=True):
    reservation: Reservation
    since: float
    on_outcome: OnOutcome


class _SaleQueue:
    """The orders of one sale that wait for its counters, and the calls that are under way."""

    __slots__ = ("calls", "sale_id", "slug", "starting", "under_way", "waiting")

    def __init__(self, sale: KnownSale) -> None:
        self.sale_id, self.slug = sale.id, sale.slug
        self.waiting: deque[_Waiting] = deque()
        self.calls: set[asyncio.Task[None]] = set()
        self.under_way = 0  # orders in these calls
        self.starting = False  # a call is about to take the waiting orders

    @property
    def wants_a_call(self) -> bool:
        """Whether the waiting orders are worth a call of their own now.

        A second one, so that this process works on one half of the orders while Redis works on the
        other; but not with a handful, for a call costs as much as several orders.
        """
        if self.starting or len(self.calls) >= MAX_CALLS:
            return False
        return 2 * len(self.waiting) >= self.under_way


class Batcher:
    """Reserves stock for orders, with at most two script calls under way per sale.

    Batches grow with the load and add no delay without it.
    """

    def __init__(
        self, references: ReferenceCache, recent_accepts: RecentAccepts, stats: LiveStats
    ) -> None:
        self._recent_accepts = recent_accepts
        self._references = references
        self._stats = stats
        self._reserver = StockReserver()
        self._queues: dict[int, _SaleQueue] = {}
        self._wakeups: set[asyncio.Future[Any]] = set()
        self._queued = 0
        self._most = settings.INTAKE_MAX_QUEUE

    async def reserve(self, sale: KnownSale, reservation: Reservation) -> Outcome:
        """Return the outcome of an order. Raises Undecided."""
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.put(sale, reservation, partial(_resolve, outcome))
        return await outcome

    def put(self, sale: KnownSale, reservation: Reservation, on_outcome: OnOutcome) -> None:
        """Ask the sale's counters about an order, and call `on_outcome` with their outcome.

        `on_outcome` does not raise. Raises Undecided, without calling it, where too many wait.
        """
        if self._queued >= self._most:
            self._stats.undecided(sale.id, 1)
            raise Undecided("Too many orders are waiting.")
        queue = self._queues.get(sale.id)
        if queue is None:
            queue = self._queues[sale.id] = _SaleQueue(sale)
        queue.waiting.append(_Waiting(reservation, time.monotonic(), on_outcome))
        self._queued += 1
        if queue.wants_a_call:
            self._start(queue)

    async def close(self) -> None:
        """Finish the calls under way and disconnect."""
        calls = [call for queue in self._queues.values() for call in queue.calls]
        await asyncio.gather(*calls, *self._wakeups, return_exceptions=True)
        await self._reserver.close()

    async def mark_answered_persisted(self, sale_id: int, digest: bytes, record: bytes) -> None:
        """Rewrite a request's record: its first answer was given after persistence."""
        await self._reserver.connection.replace_record(sale_id, digest, record)

    def _start(self, queue: _SaleQueue) -> None:
        queue.starting = True
        queue.calls.add(asyncio.create_task(self._work(queue)))

    async def _work(self, queue: _SaleQueue) -> None:
        # Begins in the event loop's next turn: orders that arrive in this one are in the batch.
        queue.starting = False
        try:
            while batch := self._next_batch(queue):
                queue.under_way += len(batch)
                try:
                    await self._reserve_batch(queue, batch)
                finally:
                    queue.under_way -= len(batch)
        finally:
            # Without an await between the empty queue and this, no order can be left behind.
            queue.calls.remove(_this_task())

    def _next_batch(self, queue: _SaleQueue) -> list[_Waiting]:
        batch: list[_Waiting] = []
        queued = queue.waiting
        most = settings.INTAKE_MAX_BATCH
        lines, oldest = 0, time.monotonic() - settings.INTAKE_MAX_WAIT_SECONDS
        while queued and len(batch) < most and lines < MAX_BATCH_LINES:
            waiting = queued.popleft()
            self._queued -= 1
            if waiting.since < oldest:
                self._fail(queue, [waiting], "The order waited too long and was not decided.")
            else:
                batch.append(waiting)
                lines += len(waiting.reservation.lines)
        return batch

    def _all_waiting(self, queue: _SaleQueue) -> list[_Waiting]:
        waiting = list(queue.waiting)
        queue.waiting.clear()
        self._queued -= len(waiting)
        return waiting

    async def _reserve_batch(self, queue: _SaleQueue, batch: list[_Waiting]) -> None:
        sale_id, slug = queue.sale_id, queue.slug
        reservations = [waiting.reservation for waiting in batch]
        began = time.time_ns() if process.active is not None else 0
        try:
            snapshot = await self._references.current()
            decision = await self._reserver.reserve(snapshot.sales[slug], reservations)
        except (redis.RedisError, NotDurable) as error:
            logger.warning("sale %s: a batch of %d is in doubt: %s", slug, len(batch), error)
            # Orders behind it have waited for the same Redis, and are not to wait once more.
            self._fail(queue, [*batch, *self._all_waiting(queue)], "Redis did not answer.")
        except RedisFull as error:
            self._fail(queue, batch, str(error))
        except CountersLost as error:
            logger.error("%s", error)
            self._recent_accepts.lost(sale_id)
            self._fail(queue, batch, "The sale's counters are not there.")
        except (DatabaseError, Overloaded, CountersUnavailable) as error:
            logger.warning("Redis is another one, and cannot be compared now: %s", error)
            others = self._all_waiting(queue)  # to wait for the same comparison is of no use
            self._fail(queue, [*batch, *others], "The sale's counters cannot be checked now.")
        except Exception:
            logger.exception("sale %s: a batch of %d failed", slug, len(batch))
            self._fail(queue, batch, "The order could not be decided.")
        else:
            if began:
                order_spans.batch_decided(slug, reservations, began)
            if decision.wake_up:
                self._wake_up(sale_id)
            for waiting, outcome in zip(batch, decision.outcomes, strict=True):
                waiting.on_outcome(outcome)
            self._stats.decided(
                sale_id,
                list(zip(reservations, decision.outcomes, strict=True)),
                [waiting.since for waiting in batch],
            )

    def _fail(self, queue: _SaleQueue, batch: list[_Waiting], reason: str) -> None:
        self._stats.undecided(queue.sale_id, len(batch))
        for waiting in batch:
            waiting.on_outcome(Undecided(reason))

    def _wake_up(self, sale_id: int) -> None:
        """Ask for a persist task, from a thread: the broker may take its time."""
        wakeup = asyncio.get_running_loop().run_in_executor(
            None, dispatch.send, PERSIST_ORDERS, sale_id
        )
        self._wakeups.add(wakeup)
        wakeup.add_done_callback(self._wakeups.discard)


def _this_task() -> asyncio.Task[None]:
    task = asyncio.current_task()
    assert task is not None
    return task


def _resolve(future: asyncio.Future[Outcome], outcome: Outcome | Undecided) -> None:
    if future.done():  # the caller has gone
        return
    if isinstance(outcome, Undecided):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
