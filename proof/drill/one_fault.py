"""One drill: open fresh sales, sell, break something, sell on until it is well again, compare."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import takewhile
from random import sample
from time import monotonic

import redis.asyncio

from proof.ledger import read_orders, sale_ids
from proof.reconciliation import drift_of
from proof.waiting import until
from shop.local.stack import Stack

from .backlog import Backlog
from .book import Book
from .clients import Clients
from .fault_context import FaultContext
from .faults import Fault
from .findings import compare
from .memory import Memory
from .order_stream import SKU, STOCK, DrillOrder, order_stream
from .outcome import NotDone, Skipped
from .result import Result, skipped

LEAD_SECONDS = 2.0  # of selling before the fault
CALM_SECONDS = 3.0  # of selling without a late order, after which a fault is over
RECOVERY_SECONDS = 90.0  # at most
SETTLE_SECONDS = 60.0  # at most, until the outboxes are empty
RESENT = 300  # orders whose key is sent once more at the end
REDIS_SECONDS = 2.0  # of patience with Redis
LONG_AGO = "2020-01-01T00:00:00Z"  # so that a clock that is put back cannot close a sale


async def run_fault(
    stack: Stack, name: str, fault: Fault, *, api_key: str, rate: float, mark: str
) -> Result:
    """Do `fault` under a load of `rate` orders a second. `mark` makes the names unique.

    Raises what the fault raises, and CommandFailed where a sale cannot be opened.
    """
    book, deaths = Book(), stack.supervisor.deaths.total()
    async with _opened_sales(stack, name, mark) as context:
        backlog = Backlog(context.stock, context.keys("outbox"), elapsed=context.elapsed)
        clients = Clients(stack.web.url, api_key, book, rate=rate, elapsed=context.elapsed)
        memory = Memory(context)
        async with clients, backlog, memory:
            try:
                over = await _sell_through(fault, context, clients, book, backlog, f"{mark}-{name}")
            except Skipped as reason:
                return skipped(name, str(reason))
            silence, catch_up = book.longest_silence, max(0.0, backlog.last_late - over)
            await clients.place_all(_orders_to_resend(book, context.reported_lost))
            settled = await until(backlog.is_empty, seconds=SETTLE_SECONDS)
        rows = await read_orders(stack.endpoints.database_url, context.slugs)
        stock = {slug: STOCK[kind] for kind, slug in context.sales.items()}
        return Result(
            fault=name,
            findings=compare(book, rows, stock=stock, reported_lost=context.reported_lost),
            unavailable=silence,
            catch_up=catch_up,
            p99_ms=book.p99_ms,
            web_mib=memory.peak_mib,
            restarts=stack.supervisor.deaths.total() - deaths,
            drift=await drift_of(stack, context.slugs),
            settled=settled,
            unanswered=book.unanswered,
            tried_again=dict(book.tried_again),
            notes=tuple(context.notes),
            not_done=context.not_done,
            broken=tuple(context.broken),
        )


async def _sell_through(
    fault: Fault, context: FaultContext, clients: Clients, book: Book, backlog: Backlog, prefix: str
) -> float:
    """Sell before, during and after `fault`. Returns when what it broke could work again."""
    ended = asyncio.Event()
    stream = takewhile(lambda _: not ended.is_set(), order_stream(prefix, context.sales))
    load = asyncio.create_task(clients.place_all(stream))
    try:
        await asyncio.sleep(LEAD_SECONDS)
        try:
            await fault(context)
        except NotDone as reason:
            context.not_done = str(reason)
        over = context.elapsed()

        async def is_calm() -> bool:
            book.silent_until(context.elapsed())
            trouble = max(over, backlog.last_late, book.last_outage)
            return backlog.last_look > trouble + CALM_SECONDS

        if not await until(is_calm, seconds=RECOVERY_SECONDS):
            context.notes.append(f"not well again within {RECOVERY_SECONDS:g} s")
        ended.set()
        await load
        return over
    finally:
        load.cancel()
        await asyncio.wait([load])


def _orders_to_resend(book: Book, lost: set[str]) -> list[DrillOrder]:
    """Return orders to send once more: those that are lost, and some of the others."""
    accepted = book.accepted()
    some = sample(accepted, min(RESENT, len(accepted)))
    return [book.orders[key] for key in dict.fromkeys([*book.keys_of(lost), *some])]


@asynccontextmanager
async def _opened_sales(stack: Stack, name: str, mark: str) -> AsyncIterator[FaultContext]:
    """Open the sales of a drill."""
    sales = {kind: f"drill-{mark}-{name}-{kind}" for kind in STOCK}
    await asyncio.gather(*(_open(stack, slug, STOCK[kind]) for kind, slug in sales.items()))
    ids = await sale_ids(stack.endpoints.database_url, [*sales.values()])
    began = monotonic()
    async with _redis(stack, 0) as stock, _redis(stack, 1) as broker:
        yield FaultContext(stack, stock, broker, sales, ids, elapsed=lambda: monotonic() - began)


async def _open(stack: Stack, slug: str, units: int) -> None:
    rules = ["--sku", f"{SKU}:{units}:25.00", "--payment", "none", "--opens", LONG_AGO]
    await stack.manage("create_sale", slug, *rules)


def _redis(stack: Stack, db: int) -> redis.asyncio.Redis:
    url = stack.endpoints.redis_url.rpartition("/")[0]
    return redis.asyncio.Redis.from_url(
        f"{url}/{db}",
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
        protocol=2,
    )
