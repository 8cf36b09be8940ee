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
from inventory.reservation import KeyReused, Outcome, Reservation
from orders.task_names import PERSIST_ORDERS
from shop.core import dispatch
from shop.core.threads import Overloaded

from .directory import Directory, KnownSale
from .judge import Judge, NotDurable
from .memory import Memory

logger = logging.getLogger(__name__)

MAX_BATCH_LINES = 1000  # a Lua call takes some 8,000 values at once


class NotJudged(Exception):
    """The order was not judged, or nobody knows whether it was; the text says why."""


Tell = Callable[[Outcome | NotJudged], None]


class _Waiting(msgspec.Struct, frozen=True):
    reservation: Reservation
    since: float
    tell: Tell


class Batcher:
    """Reserves stock for orders, one script call under way per sale.

    Batches grow with the load and add no delay without it.
    """

    def __init__(self, directory: Directory, memory: Memory) -> None:
        self._memory = memory
        self._directory = directory
        self._judge = Judge()
        self._queues: dict[int, deque[_Waiting]] = {}
        self._running: dict[int, asyncio.Task[None]] = {}
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
            raise NotJudged("Too many orders are waiting.")
        queue = self._queues.get(sale.id)
        if queue is None:
            queue = self._queues[sale.id] = deque()
            self._running[sale.id] = asyncio.create_task(self._work(sale.id, sale.slug))
        queue.append(_Waiting(reservation, time.monotonic(), tell))
        self._queued += 1

    async def close(self) -> None:
        """Finish what is under way and disconnect."""
        await asyncio.gather(*self._running.values(), *self._bells, return_exceptions=True)
        await self._judge.close()

    async def mark_answered_persisted(self, sale_id: int, digest: bytes, record: bytes) -> None:
        """Rewrite a request's record: its first answer was given after persistence."""
        await self._judge.redis.hset(Keys.of(sale_id).requests, digest, record)

    async def _work(self, sale_id: int, slug: str) -> None:
        queue = self._queues[sale_id]
        try:
            while queue:
                await self._judge_batch(sale_id, slug, self._next_batch(queue))
        finally:
            # Without an await between the empty queue and this, no order can be left behind.
            del self._running[sale_id], self._queues[sale_id]

    def _next_batch(self, queue: deque[_Waiting]) -> list[_Waiting]:
        batch: list[_Waiting] = []
        most = settings.INTAKE_MAX_BATCH
        lines, oldest = 0, time.monotonic() - settings.INTAKE_MAX_WAIT_SECONDS
        while queue and len(batch) < most and lines < MAX_BATCH_LINES:
            waiting = queue.popleft()
            self._queued -= 1
            if waiting.since < oldest:
                _fail([waiting], "The order waited too long and was not judged.")
            else:
                batch.append(waiting)
                lines += len(waiting.reservation.lines)
        return batch

    def _all_waiting(self, sale_id: int) -> list[_Waiting]:
        waiting = list(self._queues[sale_id])
        self._queues[sale_id].clear()
        self._queued -= len(waiting)
        return waiting

    async def _judge_batch(self, sale_id: int, slug: str, batch: list[_Waiting]) -> None:
        try:
            contents = await self._directory.current()
            batch = await self._without_keys_of_other_sales(
                batch, sorted(contents.on_record - {sale_id})
            )
            if not batch:
                return
            judged = await self._judge.judge(
                contents.sales[slug], [waiting.reservation for waiting in batch]
            )
        except (redis.RedisError, NotDurable) as error:
            logger.warning("sale %s: a batch of %d is in doubt: %s", slug, len(batch), error)
            # Who queued up behind it has waited for the same Redis, and is not to wait once more.
            _fail([*batch, *self._all_waiting(sale_id)], "Redis did not answer.")
        except CountersLost as error:
            logger.error("%s", error)
            self._memory.lost(sale_id)
            _fail(batch, "The sale's counters are not there.")
        except (DatabaseError, Overloaded, CountersUnavailable) as error:
            logger.warning("Redis is another one, and cannot be compared now: %s", error)
            _fail(batch, "The sale's counters cannot be checked now.")
        except Exception:
            logger.exception("sale %s: a batch of %d failed", slug, len(batch))
            _fail(batch, "The order could not be judged.")
        else:
            if judged.ring:
                self._ring(sale_id)
            for waiting, outcome in zip(batch, judged.outcomes, strict=True):
                waiting.tell(outcome)

    async def _without_keys_of_other_sales(
        self, batch: list[_Waiting], others: list[int]
    ) -> list[_Waiting]:
        """Refuse requests whose key is on record in another sale, and return the rest.

        A key belongs to one request of its client, whatever the sale. The records of a sale live
        with its counters, out of reach of another sale's script, so they are read beforehand.
        """
        if not others or not batch:
            return batch
        digests = [waiting.reservation.digest for waiting in batch]
        async with self._judge.redis.pipeline(transaction=False) as pipe:
            for other in others:
                keys = Keys.of(other)
                for name in (keys.requests, keys.refusals_even, keys.refusals_odd):
                    pipe.hmget(name, digests)
            found = await pipe.execute()
        rest = []
        for waiting, records in zip(batch, zip(*found, strict=True), strict=True):
            if any(records):
                waiting.tell(KeyReused())
            else:
                rest.append(waiting)
        return rest

    def _ring(self, sale_id: int) -> None:
        """Ask for a persist task, from a thread: the broker may take its time."""
        bell = asyncio.get_running_loop().run_in_executor(
            None, dispatch.send, PERSIST_ORDERS, sale_id
        )
        self._bells.add(bell)
        bell.add_done_callback(self._bells.discard)


def _fail(batch: list[_Waiting], reason: str) -> None:
    for waiting in batch:
        waiting.tell(NotJudged(reason))


def _resolve(future: asyncio.Future[Outcome], outcome: Outcome | NotJudged) -> None:
    if future.done():  # whoever asked has gone
        return
    if isinstance(outcome, NotJudged):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
