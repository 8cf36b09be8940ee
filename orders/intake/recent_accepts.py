"""The orders that this process accepted last, in case that the store which knew them is lost."""

import asyncio
import logging
import time
from collections import deque

from django.db import DatabaseError

from orders.domain import OrderRecord
from orders.reconciliation.lost_orders import mark_suspect
from shop.core.processes.threads import Overloaded, in_thread

logger = logging.getLogger(__name__)

REMEMBERED_SECONDS = 60.0  # by then an order is in the ledger, or the backlog is on the screens
MOST = 100_000  # some 15 MB
AGAIN_SECONDS = 1.0


class RecentAccepts:
    """The last orders that this process has accepted: (when, sale, order id, client)."""

    def __init__(self) -> None:
        self._accepted: deque[tuple[float, int, bytes, int]] = deque(maxlen=MOST)
        self._reporting: dict[int, asyncio.Task[None]] = {}

    def note(self, order: OrderRecord) -> None:
        """Remember an order that is being accepted."""
        now = time.monotonic()
        self._accepted.append((now, order.sale_id, order.order_id, order.client_id))
        oldest = now - REMEMBERED_SECONDS
        for _ in range(2):  # forgets faster than it learns, without ever pausing for it
            if self._accepted and self._accepted[0][0] < oldest:
                self._accepted.popleft()

    def lost(self, sale_id: int) -> None:
        """Mark the orders of a sale whose counters are lost as suspect; once, in the background."""
        if sale_id in self._reporting:
            return
        mine = [(order, client) for _, sale, order, client in self._accepted if sale == sale_id]
        if mine:
            report = asyncio.create_task(self._report(sale_id, mine))
            self._reporting[sale_id] = report

    async def reported(self) -> None:
        """Wait until the ledger knows of all suspect orders so far."""
        await asyncio.gather(*self._reporting.values())

    async def close(self) -> None:
        """Give up reports that could not be made yet."""
        for report in self._reporting.values():
            report.cancel()
        await asyncio.gather(*self._reporting.values(), return_exceptions=True)

    async def _report(self, sale_id: int, orders: list[tuple[bytes, int]]) -> None:
        while True:
            try:
                suspects = await in_thread(mark_suspect, sale_id, orders)
                break
            except (DatabaseError, Overloaded) as error:
                logger.warning("sale %s: orders in doubt cannot be noted yet: %s", sale_id, error)
                await asyncio.sleep(AGAIN_SECONDS)
        self._accepted = deque((each for each in self._accepted if each[1] != sale_id), maxlen=MOST)
        if suspects:
            logger.error("sale %s: %d accepted orders are in doubt", sale_id, suspects)
        del self._reporting[sale_id]
