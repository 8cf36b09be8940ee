"""The limits of the parts alone: no order can be faster than the slowest of them."""

import asyncio
from contextlib import closing
from time import perf_counter
from typing import Any

from bench.contestant import Running
from bench.measuring import (
    accept,
    fresh_sale,
    simple_orders,
    warm_up,
    workers_paused,
)
from bench.product import RunningProduct
from bench.scenario import Scenario
from bench.seed import Seeder
from bench.trial import Trial

BATCH = 1_000  # orders in a transaction, as the worker persists them
MOST = 10_000_000


async def measure(trial: Trial) -> None:
    """Measure the HTTP server, the script and the database, each without the others."""
    await trial.take_turns(["bare"], _replies)
    async with trial.product() as product:
        await _script(trial, product)
        await _inserts(trial, product)


async def _replies(trial: Trial, _name: str, running: Running) -> None:
    await warm_up(trial, running)
    orders = simple_orders(running, await fresh_sale(running))
    answers = await trial.closed_loop().place(running.url, orders)
    _record(trial, "bare HTTP reply", answers.rate)


async def _script(trial: Trial, product: RunningProduct) -> None:
    """Take from Redis how long it has worked on the scripts that accept orders."""
    async with workers_paused(product), trial.pair.client() as client:
        await warm_up(trial, product)
        sale = await fresh_sale(product)
        await client.config_resetstat()
        figures = await accept(trial, product, sale, simple_orders(product, sale))
        stats: Any = await client.info("commandstats")
    micros = stats["cmdstat_evalsha"]["usec"] / figures["accepted"]
    _record(trial, "reserve script", 1e6 / micros)


async def _inserts(trial: Trial, product: RunningProduct) -> None:
    sale = await fresh_sale(product)
    rate = await asyncio.to_thread(_insert, product, sale, trial.options.seconds)
    _record(trial, "insert of 4 rows, by the thousand", rate)


def _insert(product: RunningProduct, sale: str, seconds: float) -> float:
    """Return how many orders a second PostgreSQL takes, when nothing else is done with them."""
    urls, done, began = product.stack.endpoints, 0, perf_counter()
    with closing(Seeder(urls.database_url, urls.redis_url, sale, most=MOST)) as seeder:
        while (elapsed := perf_counter() - began) < seconds:
            seeder.insert_rows(done + 1, done + BATCH)
            done += BATCH
    return done / elapsed


def _record(trial: Trial, row: str, rate: float) -> None:
    trial.result.record(row, {"orders/s": rate, "µs an order": 1e6 / rate})


SCENARIO = Scenario(
    name="limits",
    about="What the parts do alone: HTTP server, script in Redis, rows in PostgreSQL",
    measure=measure,
    notes=("the script's time is Redis' own, without the network and without the log's sync",),
)
