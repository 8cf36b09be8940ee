"""Accepting and persisting measured apart: first the one alone, then the other."""

from time import perf_counter

from bench.measuring import (
    accept,
    backlog,
    fresh_sale,
    simple_orders,
    until_drained,
    until_persisted,
    workers_paused,
)
from bench.product import RunningProduct
from bench.trial import Trial


async def accept_and_drain(
    trial: Trial, product: RunningProduct, *, sale: str | None = None
) -> dict[str, float]:
    """Accept orders for `sale`, or a new one, while workers are paused; then let them persist."""
    sale = sale or await fresh_sale(product)
    async with workers_paused(product):
        figures = await accept(trial, product, sale, simple_orders(product, sale))
        waiting, began = await backlog(product, sale), perf_counter()
    await until_drained(product, sale)
    seconds = perf_counter() - began  # without the counting of all rows that follows
    await until_persisted(product, sale)
    return {**figures, "persisted/s": waiting / seconds}
