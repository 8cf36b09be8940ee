"""Micro-batches: what arrives while one script call is under way makes up the next one."""

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

from inventory.counters import Keys
from inventory.errors import CountersLost, CountersUnavailable
from inventory.reservation import Outcome, Reservation
from orders.reads.reference_cache import Directory, KnownSale
from orders.task_names import PERSIST_ORDERS
from shop.core.processes.threads import Overloaded
from shop.core.tasks import dispatch
from shop.core.tracing import process

from . import order_spans as order_tracing
from .recent_accepts import Memory
from .reserving import Judge, NotDurable
from .room import NoRoom
from .stats import Counting

logger = logging.getLogger(__name__)

MAX_CALLS = 2  # under way per sale
MAX_BATCH_LINES = 1000  # a Lua call takes some 8,000 values at once


class NotJudged(Exception):
    """The order was not judged, or nobody knows whether it was; the text says why."""


Tell = Callable[[Outcome | NotJudged], None]


class _Waiting(msgspec.Struct, frozen=True):
    reservation: Reservation
    since: float
    tell: Tell


class _Lane:
    """The orders of one sale that wait for its counters, and the calls that are under way."""

    __slots__ = ("calls", "sale_id", "slug", "starting", "under_way", "waiting")

    def __init__(self, sale: KnownSale) -> None:
        self.sale_id, self.slug = sale.id, sale.slug
        self.waiting: deque[_Waiting] = deque()
        self.calls: set[asyncio.Task[None]] = set()
        self.under_way = 0  # orders in these calls
        self.starting = False  # a call is about to take what waits

    @property
    def wants_a_call(self) -> bool:
        """Whether what waits is worth a call of its own now.

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

    def __init__(self, directory: Directory, memory: Memory, counting: Counting) -> None:
        self._memory = memory
        self._directory = directory
        self._counting = counting
        self._judge = Judge()
        self._lanes: dict[int, _Lane] = {}
        self._bells: set[asyncio.Future[Any]] = set()
        self._queued = 0
        self._most = settings.INTAKE_MAX_QUEUE

    async def reserve(self, sale: KnownSale, reservation: Reservation) -> Outcome:
        """Return what the sale's counters say to an order. Raises NotJudged."""
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.put(sale, reservation, partial(_resolve, outcome))
        return await outcome

    def put(self, sale: KnownSale, reservation: Reservation, tell: Tell) -> None:
        """Ask the sale's counters about an order, and call `tell` with what they say.

        `tell` does not raise. Raises NotJudged, without calling it, where too many are waiting.
        """
        if self._queued >= self._most:
            self._counting.not_judged(sale.id, 1)
            raise NotJudged("Too many orders are waiting.")
        lane = self._lanes.get(sale.id)
        if lane is None:
            lane = self._lanes[sale.id] = _Lane(sale)
        lane.waiting.append(_Waiting(reservation, time.monotonic(), tell))
        self._queued += 1
        if lane.wants_a_call:
            self._start(lane)

    async def close(self) -> None:
        """Finish what is under way and disconnect."""
        calls = [call for lane in self._lanes.values() for call in lane.calls]
        await asyncio.gather(*calls, *self._bells, return_exceptions=True)
        await self._judge.close()

    async def mark_answered_persisted(self, sale_id: int, digest: bytes, record: bytes) -> None:
        """Rewrite a request's record: its first answer was given after persistence."""
        await self._judge.redis.hset(Keys.of(sale_id).requests, digest, record)

    def _start(self, lane: _Lane) -> None:
        lane.starting = True
        lane.calls.add(asyncio.create_task(self._work(lane)))

    async def _work(self, lane: _Lane) -> None:
        # Begins in the event loop's next turn: what has arrived in this one is in the batch.
        lane.starting = False
        try:
            while batch := self._next_batch(lane):
                lane.under_way += len(batch)
                try:
                    await self._judge_batch(lane, batch)
                finally:
                    lane.under_way -= len(batch)
        finally:
            # Without an await between the empty queue and this, no order can be left behind.
            lane.calls.remove(_this_task())

    def _next_batch(self, lane: _Lane) -> list[_Waiting]:
        batch: list[_Waiting] = []
        queue = lane.waiting
        most = settings.INTAKE_MAX_BATCH
        lines, oldest = 0, time.monotonic() - settings.INTAKE_MAX_WAIT_SECONDS
        while queue and len(batch) < most and lines < MAX_BATCH_LINES:
            waiting = queue.popleft()
            self._queued -= 1
            if waiting.since < oldest:
                self._fail(lane, [waiting], "The order waited too long and was not judged.")
            else:
                batch.append(waiting)
                lines += len(waiting.reservation.lines)
        return batch

    def _all_waiting(self, lane: _Lane) -> list[_Waiting]:
        waiting = list(lane.waiting)
        lane.waiting.clear()
        self._queued -= len(waiting)
        return waiting

    async def _judge_batch(self, lane: _Lane, batch: list[_Waiting]) -> None:
        sale_id, slug = lane.sale_id, lane.slug
        reservations = [waiting.reservation for waiting in batch]
        began = time.time_ns() if process.active is not None else 0
        try:
            contents = await self._directory.current()
            judged = await self._judge.judge(contents.sales[slug], reservations)
        except (redis.RedisError, NotDurable) as error:
            logger.warning("sale %s: a batch of %d is in doubt: %s", slug, len(batch), error)
            # Who queued up behind it has waited for the same Redis, and is not to wait once more.
            self._fail(lane, [*batch, *self._all_waiting(lane)], "Redis did not answer.")
        except NoRoom as error:
            self._fail(lane, batch, str(error))
        except CountersLost as error:
            logger.error("%s", error)
            self._memory.lost(sale_id)
            self._fail(lane, batch, "The sale's counters are not there.")
        except (DatabaseError, Overloaded, CountersUnavailable) as error:
            logger.warning("Redis is another one, and cannot be compared now: %s", error)
            others = self._all_waiting(lane)  # to wait for the same comparison is of no use
            self._fail(lane, [*batch, *others], "The sale's counters cannot be checked now.")
        except Exception:
            logger.exception("sale %s: a batch of %d failed", slug, len(batch))
            self._fail(lane, batch, "The order could not be judged.")
        else:
            if began:
                order_tracing.batch_judged(slug, reservations, began)
            if judged.ring:
                self._ring(sale_id)
            for waiting, outcome in zip(batch, judged.outcomes, strict=True):
                waiting.tell(outcome)
            self._counting.judged(
                sale_id,
                list(zip(reservations, judged.outcomes, strict=True)),
                [waiting.since for waiting in batch],
            )

    def _fail(self, lane: _Lane, batch: list[_Waiting], reason: str) -> None:
        self._counting.not_judged(lane.sale_id, len(batch))
        for waiting in batch:
            waiting.tell(NotJudged(reason))

    def _ring(self, sale_id: int) -> None:
        """Ask for a persist task, from a thread: the broker may take its time."""
        bell = asyncio.get_running_loop().run_in_executor(
            None, dispatch.send, PERSIST_ORDERS, sale_id
        )
        self._bells.add(bell)
        bell.add_done_callback(self._bells.discard)


def _this_task() -> asyncio.Task[None]:
    task = asyncio.current_task()
    assert task is not None
    return task


def _resolve(future: asyncio.Future[Outcome], outcome: Outcome | NotJudged) -> None:
    if future.done():  # whoever asked has gone
        return
    if isinstance(outcome, NotJudged):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
