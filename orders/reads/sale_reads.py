"""Sales with their live stock. However many ask at once, they share one reading."""

import asyncio
from collections import OrderedDict

import msgspec
from django.db import OperationalError

from inventory.selectors import Offer, live_sale, read_offer
from shop.core import clock
from shop.core.processes.threads import in_thread

MOST_OFFERS = 1000  # sales that are remembered
PAUSE_SECONDS = 0.05  # from one reading of a sale to the next: the rest of the process works, too


class _SharedReads:
    """One reading of a sale at a time per process: who asks meanwhile shares the next one.

    A reading never began before the caller asked, so nobody is shown the time before their order.
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
                await self._tell(slug, self._next.pop(slug))
                await asyncio.sleep(max(0.0, next_at - clock()))
        finally:
            del self._reading[slug]

    async def _tell(self, slug: str, askers: asyncio.Future[bytes]) -> None:
        try:
            askers.set_result(await in_thread(self._look, slug))
        except Exception as error:
            askers.set_exception(error)
            askers.exception()  # seen, also where all who asked have gone
        finally:
            askers.cancel()  # does nothing, unless this is cancelled

    def _look(self, slug: str) -> bytes:
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
