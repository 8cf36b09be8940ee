"""Whether orders of the past slow down those of today."""

import asyncio
from itertools import takewhile

from bench.draining import accept_and_drain
from bench.figures import Figures, fall
from bench.measuring import fresh_sale, warm_up
from bench.scenario import Scenario
from bench.seed import seed
from bench.trial import Trial

FALLS = {"accept fell %": "accepted/s", "persist fell %": "persisted/s"}
SIZES = tuple(10**power for power in range(3, 8))


async def measure(trial: Trial) -> None:
    """Measure with each number of orders there before, up to the one that was asked for."""
    first: Figures = {}
    for size in takewhile(trial.options.growth_to.__ge__, SIZES):
        figures = await _with(trial, size)
        first = first or figures
        falls = {title: fall(first[name], figures[name]) for title, name in FALLS.items()}
        trial.result.record(f"{size:,} orders", {**figures, **falls})


async def _with(trial: Trial, size: int) -> dict[str, float]:
    async with trial.product() as product:
        trial.say(f"writing {size:,} orders")
        sale = await fresh_sale(product)
        urls = product.stack.endpoints
        await asyncio.to_thread(seed, urls.database_url, urls.redis_url, sale, size)
        await warm_up(trial, product)
        return await accept_and_drain(trial, product, sale=sale)


SCENARIO = Scenario(
    name="growth",
    about="Accepting and persisting with so many orders of the same sale there already",
    measure=measure,
    notes=("negative: it was faster than with the fewest orders",),
)
