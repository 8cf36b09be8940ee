"""Which rate of orders the whole product keeps up with, as long as one likes."""

from bench.errors import NotMeasured
from bench.figures import is_sustained
from bench.measuring import BacklogWatch, fresh_sale, simple_orders, until_persisted, warm_up
from bench.product import RunningProduct
from bench.result import Result
from bench.scenario import Scenario
from bench.trial import Trial

HIGHEST = "highest"
FIGURE = "sustained/s"


async def measure(trial: Trial) -> None:
    """Offer each rate in turn, from the lowest on, until one is too much."""
    best = 0.0
    async with trial.product() as product:
        await warm_up(trial, product)
        for rate in trial.options.rates:
            trial.say(f"{rate:,.0f} orders/s")
            if not await _keeps_up(trial, product, rate):
                break
            best = rate
    trial.result.record(HIGHEST, {FIGURE: best})


def sustained_rate(result: Result | None) -> float:
    """Return the median of the highest rates. Raises NotMeasured where there is none."""
    rate = result.median(HIGHEST, FIGURE) if result else None
    if not rate:
        raise NotMeasured("needs the sustained rate: run `sustained` before, or give --rate")
    return rate


async def _keeps_up(trial: Trial, product: RunningProduct, rate: float) -> bool:
    sale = await fresh_sale(product)
    loop = trial.open_loop(rate=rate)
    async with BacklogWatch(product, sale) as watch:
        arrivals = await loop.place(product.url, simple_orders(product, sale))
    await until_persisted(product, sale)
    kept_up = is_sustained(
        watch.looks,
        rate=rate,
        seconds=loop.seconds,
        p99=arrivals.p99 / 1e3,
        failed=arrivals.failed,
    )
    figures = {
        FIGURE: rate * kept_up,
        "accepted/s": arrivals.accepted / arrivals.seconds,
        "p50 ms": arrivals.p50,
        "p99 ms": arrivals.p99,
        "largest backlog": watch.largest,
        "failed": arrivals.failed,
    }
    trial.result.record(f"{rate:,.0f} orders/s", figures)
    return kept_up


SCENARIO = Scenario(
    name="sustained",
    about="The highest rate of arrivals at which the backlog does not grow and nothing fails",
    measure=measure,
    notes=(
        "kept up: no backlog in the last third is above those before by over a second's arrivals,",
        "99 % of the answers come within a second of when they were due, and none is a no",
        "Poisson arrivals; latency counts from when a request was due, to the millisecond",
    ),
)
