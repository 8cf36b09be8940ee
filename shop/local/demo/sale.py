"""A demo sale from its opening to the evidence of how it went."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2

from shop.local.clients import api_key
from shop.local.demo.book import Book
from shop.local.demo.ledger import Look, Persisted, Row, read_rows, reconcile
from shop.local.demo.plan import CLIENTS, Plan, plan_sale, requests
from shop.local.demo.shoppers import Shoppers
from shop.local.demo.verdict import Evidence
from shop.local.errors import LocalStackError
from shop.local.stack import Stack

PRICE = "25.00"
OPEN = timedelta(hours=1)  # then the sale closes by itself, whatever became of the demo
LOOKS_DURING = 2
LOOK_SECONDS = 20.0  # of trying, while a look cannot tell
LAST_PERCENT = 1  # of the requests: not sent before the first look, so that it is one during a sale
SETTLE_SECONDS = 25.0  # more than it takes until what a dead worker held is taken over
SAMPLE_SECONDS = 0.2
OFTEN_SECONDS = 0.05

Watch = Callable[[Book, Persisted], Coroutine[Any, Any, None]]


class LedgerAway(LocalStackError):
    """PostgreSQL could not be asked what became of the orders."""


async def open_sale(stack: Stack, *, orders: int, stock: int) -> tuple[Plan, dict[str, str]]:
    """Create a sale for this run alone; return the plan, and the clients' API keys."""
    now = datetime.now(UTC)
    plan = plan_sale(f"demo-{now:%Y%m%d-%H%M%S}", orders=orders, stock=stock)
    skus = [f"--sku={sku}:{units}:{PRICE}" for sku, units in plan.stock.items()]
    rules = [f"--limit={plan.limit}", f"--closes={(now + OPEN).isoformat()}"]
    _, *keys = await asyncio.gather(
        stack.manage("create_sale", plan.sale, *skus, *rules),
        *(api_key(stack, f"demo_{client}_key", f"{plan.sale} {client}") for client in CLIENTS),
    )
    return plan, dict(zip(CLIENTS, keys, strict=True))


async def sell(stack: Stack, plan: Plan, api_keys: dict[str, str], watch: Watch) -> Evidence:
    """Run the sale, wait until all is written down, and return what there is to judge by.

    `watch` runs meanwhile. Raises LedgerAway.
    """
    clock = asyncio.get_running_loop().time
    began = clock()

    def elapsed() -> float:
        return clock() - began

    book, persisted = Book(), Persisted(stack.web, plan.sale, elapsed=elapsed)
    async with _beside(watch(book, persisted)):
        async with (
            _beside(persisted.keep_sampling(SAMPLE_SECONDS)),
            Shoppers(plan, stack.web.url, api_keys, book=book, elapsed=elapsed) as shoppers,
        ):
            looks = await _send_all(stack, plan, shoppers)
        await _settle(book, persisted)
        rows = await _read_rows(stack, plan.sale)
        looks.append(await _look(stack, plan.sale, during=lambda: False))
    reached = persisted.reached(book.units)
    return Evidence(
        plan=plan,
        book=book,
        rows=rows,
        looks=looks,
        persisted_after=None if reached is None else max(0.0, reached - book.last_yes),
        restarted=dict(stack.supervisor.deaths),
    )


async def _send_all(stack: Stack, plan: Plan, shoppers: Shoppers) -> list[Look]:
    """Send every request, and look whether both sides agree meanwhile."""
    looks: list[Look] = []
    first_look, over = asyncio.Event(), asyncio.Event()

    async def look_on() -> None:
        for _ in range(LOOKS_DURING):
            looks.append(await _look(stack, plan.sale, during=lambda: not over.is_set()))
            first_look.set()

    todo = [*requests(plan.orders)]
    last = max(1, len(todo) * LAST_PERCENT // 100)
    async with _beside(look_on()) as looking:
        await shoppers.send(todo[:-last])
        await first_look.wait()
        await shoppers.send(todo[-last:])
        over.set()
        await looking
    return looks


async def _look(stack: Stack, sale: str, *, during: Callable[[], bool]) -> Look:
    """Reconcile, again and again while that cannot tell, for a server may be away."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + LOOK_SECONDS
    while (look := await reconcile(stack, sale, during=during)).drift is None:
        if clock() > deadline:
            break
    return look


async def _settle(book: Book, persisted: Persisted) -> None:
    """Return once everything accepted is persisted; after a while in any case."""
    with suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_SECONDS):
            while persisted.units < book.units:
                await persisted.sample()
                await asyncio.sleep(OFTEN_SECONDS)


async def _read_rows(stack: Stack, sale: str) -> list[Row]:
    clock = asyncio.get_running_loop().time
    deadline = clock() + SETTLE_SECONDS
    while True:
        try:
            return await asyncio.to_thread(read_rows, stack.endpoints.database_url, sale)
        except psycopg2.OperationalError as error:
            if clock() > deadline:
                raise LedgerAway(f"PostgreSQL does not answer: {error}") from error
            await asyncio.sleep(OFTEN_SECONDS)


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[Awaitable[None]]:
    """Run `work` beside the block, and no longer; an error of it is raised at the end."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])
    if not task.cancelled():
        task.result()
