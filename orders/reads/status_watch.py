"""Waiting for an order's next status, for any number of requests with one query per poll."""

import asyncio
import logging
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError

from shop.core.processes.threads import Overloaded, in_thread

from . import selectors

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.05
IDS_PER_QUERY = 2000  # ids in one query


class StatusWatch:
    """Answers "when has this order another status?" from the rows, which are the truth.

    One process asks PostgreSQL once per poll for all orders that requests wait for.
    """

    def __init__(self) -> None:
        self._waiting: dict[UUID, set[asyncio.Future[str]]] = {}
        self._seen: dict[asyncio.Future[str], str] = {}
        self._watching: asyncio.Task[None] | None = None

    async def next_status(self, order_id: UUID, seen: str, seconds: float) -> str | None:
        """Return the order's status once it is another than `seen`, None if that takes too long.

        At the bound on waiting requests it returns None at once: the caller answers what it knows.
        """
        if seconds <= 0 or len(self._seen) >= settings.INTAKE_MAX_WATCHERS:
            return None
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(order_id, set()).add(future)
        self._seen[future] = seen
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch())
        try:
            return await asyncio.wait_for(future, seconds)
        except TimeoutError:
            return None
        finally:
            self._forget(order_id, future)

    def _forget(self, order_id: UUID, future: asyncio.Future[str]) -> None:
        del self._seen[future]
        self._waiting[order_id].discard(future)
        if not self._waiting[order_id]:
            del self._waiting[order_id]

    async def _watch(self) -> None:
        try:
            while self._waiting:
                await self._read_statuses()
                await asyncio.sleep(POLL_SECONDS)
        finally:
            self._watching = None

    async def _read_statuses(self) -> None:
        ids = list(self._waiting)
        for start in range(0, len(ids), IDS_PER_QUERY):
            try:
                found = await in_thread(selectors.statuses, ids[start : start + IDS_PER_QUERY])
            except (DatabaseError, Overloaded) as error:
                logger.warning("statuses could not be read, waiting on: %s", error)
                continue
            for order_id, status in found.items():
                for future in self._waiting.get(order_id, ()):
                    if not future.done() and self._seen[future] != status:
                        future.set_result(status)
