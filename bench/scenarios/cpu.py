"""Where the processor's time goes, from the request to the row."""

from bench.measuring import fresh_sale, simple_orders, until_persisted, warm_up
from bench.processes import cpu_seconds
from bench.scenario import Scenario
from bench.trial import Trial

PER_ORDERS = 10_000


async def measure(trial: Trial) -> None:
    """Take the times of all processes before and after orders go end to end."""
    async with trial.product() as product:
        await warm_up(trial, product)
        sale = await fresh_sale(product)
        heads = {**product.pids(), **trial.pair.pids()}
        before = cpu_seconds(heads)
        await trial.closed_loop().place(product.url, simple_orders(product, sale))
        orders = await until_persisted(product, sale)
        after = cpu_seconds(heads)
    used = {name: PER_ORDERS * (after[name] - before[name]) / orders for name in heads}
    for name, seconds in sorted({**used, "all": sum(used.values())}.items(), key=_by_seconds):
        trial.result.record(name, {"CPU s per 10,000 orders": seconds})


def _by_seconds(item: tuple[str, float]) -> float:
    return -item[1]


SCENARIO = Scenario(
    name="cpu",
    about="Processor time of each process and its children, end to end",
    measure=measure,
)
