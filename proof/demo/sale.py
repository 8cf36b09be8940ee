"""A demo sale from its first order to the evidence of how it went."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import psycopg2

from proof.reconciliation import DriftCheck, check_drift
from proof.waiting import running_beside, until
from shop.local.errors import LocalStackError
from shop.local.stack import Stack

from .account.evidence import Evidence
from .account.ledger import Ledger, read_ledger
from .account.records import Records
from .conditions import has_ended, is_delivered
from .opening import Opened
from .people.participants import participants
from .people.plan import requests
from .people.receiver import DemoReceiver
from .people.shoppers import Shoppers
from .sampler import Sampler

CHECKS_DURING = 2
LAST_PERCENT = (
    1  # of the requests: not sent before the first check, which so is one during the sale
)
SETTLE_SECONDS = 25.0  # more than it takes until what a dead worker held is taken over
# The same for the notifier: a delivery that it had under way rests for a minute.
DELIVERY_SECONDS = 100.0
SAMPLE_SECONDS = 0.25
OFTEN_SECONDS = 0.1

Watch = Callable[[Records], Coroutine[Any, Any, None]]


class LedgerAway(LocalStackError):
    """PostgreSQL could not be read at the end of the sale."""


async def sell(stack: Stack, opened: Opened, receiver: DemoReceiver, watch: Watch) -> Evidence:
    """Run the sale, wait until all orders have come to their end, and return the
    evidence.

    `receiver` gets the events; `watch` runs meanwhile. Raises LedgerAway.
    """
    sale = Sale(stack, opened, receiver)
    sampling = sale.records.sampler.keep_sampling(SAMPLE_SECONDS)
    async with running_beside(watch(sale.records)), running_beside(sampling):
        await sale.run()
        return await sale.evidence()


class Sale:
    """One run of a plan against a running stack."""

    def __init__(self, stack: Stack, opened: Opened, receiver: DemoReceiver) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        self._elapsed = lambda: clock() - began
        self._stack = stack
        self._opened = opened
        self._plan = opened.plan
        self._receiver = receiver
        self._drift_checks: list[DriftCheck] = []
        sampler = Sampler(
            lambda: stack.endpoints.database_url,
            self._plan.sale,
            webhook_url=receiver.url,
            elapsed=self._elapsed,
        )
        self.records = Records(inbox=receiver.inbox, sampler=sampler)

    async def run(self) -> None:
        """Run the sale: the rush, the ends of holds, the latecomers, the last deliveries."""
        url = self._stack.web.url
        async with participants(url, self._opened, self.records, elapsed=self._elapsed) as people:
            await self._sell_out(people.shoppers)
            self._receiver.puts_off = False  # what was put off comes again while the holds go on
            await self._until_ended(self._plan.hold_seconds + SETTLE_SECONDS)
            await people.shoppers.send(requests(self._plan.latecomers))
            people.customers.holds_have_ended.set()
            await people.customers.finish()
        await self._until_ended(SETTLE_SECONDS)
        await until(
            lambda: is_delivered(self.records), seconds=DELIVERY_SECONDS, every=OFTEN_SECONDS
        )

    async def evidence(self) -> Evidence:
        """Return the accounts of all sides. Raises LedgerAway."""
        ledger = await self._read_ledger()
        await self._check_drift(during=lambda: False)
        return Evidence(
            plan=self._plan,
            book=self.records.book,
            follow_ups=self.records.follow_ups,
            inbox=self.records.inbox,
            ledger=ledger,
            drift_checks=self._drift_checks,
            persisted_after=self._persisted_after(),
            restarted=dict(self._stack.supervisor.deaths),
        )

    def _persisted_after(self) -> float | None:
        """Return the seconds from the rush's last acceptance until all orders were persisted."""
        rush = self.records.book.rush
        reached = self.records.sampler.reached(rush.accepted)
        return None if reached is None else max(0.0, reached - rush.last_acceptance)

    async def _sell_out(self, shoppers: Shoppers) -> None:
        """Send the requests of the rush, and check the drift meanwhile."""
        first_check, over = asyncio.Event(), asyncio.Event()

        async def keep_checking() -> None:
            for _ in range(CHECKS_DURING):
                await self._check_drift(during=lambda: not over.is_set())
                first_check.set()

        todo = [*requests(self._plan.rush)]
        last = max(1, len(todo) * LAST_PERCENT // 100)
        async with running_beside(keep_checking()) as checking:
            await shoppers.send(todo[:-last])
            await first_check.wait()
            await shoppers.send(todo[-last:])
            over.set()
            await checking

    async def _check_drift(self, *, during: Callable[[], bool]) -> None:
        self._drift_checks.append(await check_drift(self._stack, self._plan.sale, during=during))

    async def _until_ended(self, seconds: float) -> None:
        await until(
            lambda: has_ended(self.records, self._stack.web, self._plan.sale),
            seconds=seconds,
            every=OFTEN_SECONDS,
        )

    async def _read_ledger(self) -> Ledger:
        clock = asyncio.get_running_loop().time
        deadline = clock() + SETTLE_SECONDS
        while True:
            try:
                return await asyncio.to_thread(
                    read_ledger,
                    self._stack.endpoints.database_url,
                    self._plan.sale,
                    webhook_url=self._receiver.url,
                    elapsed=self._elapsed,
                )
            except psycopg2.OperationalError as error:
                if clock() > deadline:
                    raise LedgerAway(f"PostgreSQL does not answer: {error}") from error
                await asyncio.sleep(OFTEN_SECONDS)
