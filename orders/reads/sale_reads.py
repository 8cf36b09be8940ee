"""Sales with their live stock. Concurrent requests share one reading."""

import asyncio
from collections import OrderedDict

import msgspec
from django.db import OperationalError

from inventory.selectors import Offer, live_sale, read_offer
from shop.core import clock
from shop.core.processes.threads import in_thread

MOST_OFFERS = 1000  # sales that are remembered
PAUSE_SECONDS = 0.05  # from one reading of a sale to the next: the process has other work


class _SharedReads:
    """One reading of a sale at a time per process. Requests that come meanwhile share the next one.

    A reading never begins before its request came, so no client is shown the time before its order.
    """

    def __init__(self) -> None:
        self._next: dict[str, asyncio.Future[bytes]] = {}  # by slug: the reading to come
        self._reading: dict[str, asyncio.Task[None]] = {}
        self._offers: OrderedDict[str, Offer] = OrderedDict()  # for while PostgreSQL is away

    async def __call__(self, slug: str) -> bytes:
        """Return a sale as the API shows it, in JSON.

        Raises SaleUnknown, CountersLost, CountersUnavailable, Overloaded, django.db.DatabaseError.
        """
        if slug not in self._next:
            self._next[slug] = asyncio.get_running_loop().create_future()
        if slug not in self._reading:
            self._reading[slug] = asyncio.create_task(self._read(slug))
        return await asyncio.shield(self._next[slug])

    async def _read(self, slug: str) -> None:
        clock = asyncio.get_running_loop().time
        try:
            while slug in self._next:
                next_at = clock() + PAUSE_SECONDS
                await self._resolve(slug, self._next.pop(slug))
                await asyncio.sleep(max(0.0, next_at - clock()))
        finally:
            del self._reading[slug]

    async def _resolve(self, slug: str, waiting: asyncio.Future[bytes]) -> None:
        try:
            waiting.set_result(await in_thread(self._read_sale, slug))
        except Exception as error:
            waiting.set_exception(error)
            waiting.exception()  # retrieved, also where all that waited have gone
        finally:
            waiting.cancel()  # does nothing, unless this is cancelled

    def _read_sale(self, slug: str) -> bytes:
        try:
            offer = self._offers[slug] = read_offer(slug)
        except OperationalError:
            if slug not in self._offers:
                raise
            offer = self._offers[slug]
        self._offers.move_to_end(slug)
        while len(self._offers) > MOST_OFFERS:
            self._offers.popitem(last=False)
        return msgspec.json.encode(live_sale(offer, now=clock.now()))


live_sales = _SharedReads()
