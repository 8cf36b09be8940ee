"""The common parts of all scenarios: sales, loads, the backlog, and the figures made of them."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Self

from bench.contestant import Running
from bench.errors import NotMeasured
from bench.figures import Look
from bench.load.orders import Orders, order_body
from bench.load.wrk import Answers
from bench.product import RunningProduct
from bench.trial import Trial
from proof.waiting import until

SKU = "TEE"
PLENTY = 1_000_000  # units: the most that a sale has of one SKU
LOOK_SECONDS = 0.1
EMPTY_SECONDS = 0.02  # between two looks for the end of the backlog
SETTLE_SECONDS = 900.0  # at most, until everything is persisted
_sales = itertools.count(1)


def new_slug() -> str:
    """Return a name that no sale has yet."""
    return f"bench-{next(_sales)}"


async def fresh_sale(running: Running, *, units: int = PLENTY) -> str:
    """Open a sale of one SKU, and return its name."""
    sale = new_slug()
    await running.offer(sale, SKU, units)
    return sale


def simple_orders(running: Running, sale: str) -> Orders:
    """Return orders of one line and one unit."""
    return Orders(running.api_key, [order_body(sale, [SKU])])


async def warm_up(trial: Trial, running: Running) -> None:
    """Place orders that nobody counts: connections, caches and compiled code are there after."""
    if seconds := trial.options.warm_up_seconds:
        orders = simple_orders(running, await fresh_sale(running))
        await trial.closed_loop(seconds=seconds).place(running.url, orders)


@asynccontextmanager
async def workers_paused(running: Running) -> AsyncIterator[None]:
    """Freeze what persists: the block has the machine for accepting alone."""
    await running.pause_workers()
    try:
        yield
    finally:
        await running.resume_workers()


async def accept(trial: Trial, running: Running, sale: str, orders: Orders) -> dict[str, float]:
    """Place orders for one sale in a closed loop, and count what its store has accepted."""
    before = await running.accepted(sale)
    answers = await trial.closed_loop().place(running.url, orders)
    accepted = await running.accepted(sale) - before
    if not accepted:
        raise NotMeasured(f"none of {answers.requests:,} orders was accepted")
    return {"accepted/s": accepted / answers.seconds, **latencies(answers), "accepted": accepted}


def latencies(answers: Answers) -> dict[str, float]:
    """Return the latencies, and the answers that were none or no."""
    return {
        "p50 ms": answers.p50,
        "p99 ms": answers.p99,
        "p99.9 ms": answers.p999,
        "refused": answers.refused,
        "errors": answers.errors,
    }


async def backlog(running: Running, sale: str) -> int:
    """Return how many orders of `sale` are accepted and not persisted."""
    if isinstance(running, RunningProduct):
        return await running.backlog(sale)
    persisted = await running.persisted(sale) or 0  # first, so that the difference is never < 0
    return await running.accepted(sale) - persisted


class BacklogWatch:
    """Looks at the backlog of a sale again and again inside an `async with`."""

    def __init__(self, running: Running, sale: str) -> None:
        self.looks: list[Look] = []
        self._running = running
        self._sale = sale
        self._over = False

    @property
    def largest(self) -> int:
        """The largest backlog that was seen, in orders."""
        return max((look.waiting for look in self.looks), default=0)

    async def __aenter__(self) -> Self:
        self._watch = asyncio.create_task(self._look_on())
        return self

    async def __aexit__(self, *_: object) -> None:
        # Not cancelled: on Python 3.11 a call of Redis can swallow that, and would go on for ever.
        self._over = True
        await self._watch

    async def _look_on(self) -> None:
        began = perf_counter()
        while not self._over:
            waiting = await backlog(self._running, self._sale)
            self.looks.append(Look(perf_counter() - began, waiting))
            await asyncio.sleep(LOOK_SECONDS)


async def until_drained(running: Running, sale: str) -> None:
    """Return once no accepted order waits. Raises NotMeasured where that takes too long."""

    async def is_empty() -> bool:
        return await backlog(running, sale) == 0

    if not await until(is_empty, seconds=SETTLE_SECONDS, every=EMPTY_SECONDS):
        raise NotMeasured(f"orders still wait after {SETTLE_SECONDS:g} s")


async def until_persisted(running: Running, sale: str) -> int:
    """Return how many orders are in PostgreSQL, once no accepted one is on its way there.

    Raises NotMeasured where that takes too long, or where their number is not that accepted.
    """
    await until_drained(running, sale)
    persisted, accepted = await running.persisted(sale), await running.accepted(sale)
    if persisted != accepted:
        raise NotMeasured(f"{accepted:,} orders were accepted and {persisted or 0:,} persisted")
    return persisted
