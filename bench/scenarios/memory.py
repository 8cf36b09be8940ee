"""The memory of Redis that an order takes for as long as its request is remembered."""

from typing import Any

from bench.measuring import fresh_sale, simple_orders, until_persisted, warm_up
from bench.scenario import Scenario
from bench.trial import Trial


async def measure(trial: Trial) -> None:
    """Accept and persist orders; what Redis uses more than before is what it keeps of them."""
    async with trial.product() as product:
        await warm_up(trial, product)
        sale = await fresh_sale(product)
        before = await _used_bytes(trial)
        await trial.closed_loop().place(product.url, simple_orders(product, sale))
        orders = await until_persisted(product, sale)
        kept = await _used_bytes(trial) - before
    trial.result.record("product", {"bytes an order": kept / orders, "orders": orders})


async def _used_bytes(trial: Trial) -> int:
    async with trial.pair.client() as client:
        about: Any = await client.info("memory")
    return int(about["used_memory"])


SCENARIO = Scenario(
    name="memory",
    about="Redis' memory per order that is in PostgreSQL: the record of its request",
    measure=measure,
    notes=("Redis' tables double when they are full, so the figure depends on how many there are",),
)
