"""Delivering webhooks: one pump at a time, with a queue for each endpoint."""

import asyncio
import logging
import time
from collections.abc import Collection
from typing import Self

import aiohttp
import uvloop
from django.conf import settings
from django.db import InterfaceError, OperationalError

from orders.models import Endpoint
from orders.notifications import claims, results
from orders.task_names import DELIVER_WEBHOOKS
from shop.core.stores.database_thread import DatabaseThread
from shop.core.stores.locks import try_alone
from shop.core.tasks import dispatch

from .calls import open_session
from .endpoint_queue import EndpointQueue

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.2  # how often the pump looks for endpoints that have got something to do
WEBHOOK = Endpoint.Channel.WEBHOOK


def deliver_webhooks(*, linger_seconds: float = 0.0) -> None:
    """Deliver what is due to webhooks, until nothing is, or for NOTIFY_TASK_SECONDS.

    A pump that had something to do looks on for `linger_seconds`: in a sale the next event comes
    before another pump had begun.

    One runs at a time, a second returns at once. At its end it asks for its successor, and only
    then waits for calls that are still under way: slow answers delay no other endpoint. Raises
    django.db.OperationalError where the database is away; what was under way is delivered again.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        deadline = time.monotonic() + settings.NOTIFY_TASK_SECONDS
        runner.run(_deliver(deadline, linger_seconds))


async def _deliver(deadline: float, linger_seconds: float) -> None:
    with DatabaseThread("webhooks") as database:
        async with open_session() as session, Pump(session, database, deadline) as pump:
            async with database.inside(try_alone("deliver webhooks")) as alone:
                if alone:
                    await pump.run(linger_seconds)
            if pump.is_late:
                await asyncio.to_thread(dispatch.send, DELIVER_WEBHOOKS)
            await pump.finish()


class Pump:
    """Keeps a queue for each endpoint that something is due for, side by side."""

    def __init__(
        self, session: aiohttp.ClientSession, database: DatabaseThread, deadline: float
    ) -> None:
        self._session = session
        self._database = database
        self._deadline = deadline
        self._queues: dict[asyncio.Task[None], EndpointQueue] = {}
        self._left_out: set[int] = set()  # endpoints that whose queue ended by a fault of ours

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Drop what is under way, if a failure has left anything; it is delivered again."""
        left = {task for queue in self._queues.values() for task in queue.under_way} | set(
            self._queues
        )
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    @property
    def is_late(self) -> bool:
        """Whether the time of this task is over."""
        return time.monotonic() >= self._deadline

    async def run(self, linger_seconds: float) -> None:
        """Deliver until nothing has been due or under way for so long, or time is over."""
        goes_on_until = 0.0
        while not self.is_late:
            is_last_look = time.monotonic() >= goes_on_until
            await self._ask_for_hints(is_last_look)
            await self._open_queues()
            if self._queues:
                await self._settle(LOOK_SECONDS)
                goes_on_until = time.monotonic() + linger_seconds
            elif is_last_look:
                return
            else:
                await asyncio.sleep(LOOK_SECONDS)
        await self._ask_for_hints(True)

    async def _ask_for_hints(self, wanted: bool) -> None:
        """Let those who write events send hints; or not, since we look without."""
        if wanted:
            await self._database.run(dispatch.begun, DELIVER_WEBHOOKS.name, ())
        else:
            await self._database.run(dispatch.hold_back, DELIVER_WEBHOOKS)

    async def finish(self) -> None:
        """Wait for the calls that are under way, and write down what becomes of them."""
        while self._queues:
            await self._settle()

    async def _open_queues(self) -> None:
        at_work = {queue.endpoint_id for queue in self._queues.values()}
        for endpoint_id in await self._database.run(_find_work, at_work | self._left_out):
            queue = EndpointQueue(
                endpoint_id,
                session=self._session,
                database=self._database,
                room=self._room,
                is_over=lambda: self.is_late,
            )
            self._queues[asyncio.create_task(queue.run())] = queue

    def _room(self, queue: EndpointQueue) -> int:
        """Return how many calls a queue may add: an equal share for each, and never none."""
        if self.is_late:
            return 0
        mine = len(queue.under_way)
        all_calls = sum(len(other.under_way) for other in self._queues.values())
        share = min(settings.NOTIFY_LANE, settings.NOTIFY_MAX_IN_FLIGHT // len(self._queues))
        left = min(share - mine, settings.NOTIFY_MAX_IN_FLIGHT - all_calls)
        return max(left, 0 if mine else 1)

    async def _settle(self, at_most: float | None = None) -> None:
        """Wait for queues to end, and look at how they did. Raises what the database raises."""
        done, _ = await asyncio.wait(self._queues, timeout=at_most)
        for task in done:
            queue = self._queues.pop(task)
            error = task.exception()
            if isinstance(error, OperationalError | InterfaceError):
                raise error
            if error is not None:
                logger.error("the queue of endpoint %s broke", queue.endpoint_id, exc_info=error)
                self._left_out.add(queue.endpoint_id)


def _find_work(leave_out: Collection[int]) -> list[int]:
    """Give up deliveries that are not wanted any more, then return endpoints with due ones."""
    results.dead_letter_exhausted(WEBHOOK)
    limit = max(0, settings.NOTIFY_MAX_IN_FLIGHT - len(leave_out))
    return claims.endpoints_with_work(WEBHOOK, limit=limit, leave_out=leave_out)
