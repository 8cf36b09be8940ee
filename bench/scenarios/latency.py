"""The time to an answer, and to PostgreSQL, at a load that leaves room."""

from bench.errors import NotMeasured
from bench.measuring import fresh_sale, simple_orders, until_persisted, warm_up
from bench.probes import Probes
from bench.product import RunningProduct
from bench.scenario import Scenario
from bench.trial import Trial
from proof.percentiles import percentile

from .sustained import SCENARIO as SUSTAINED
from .sustained import sustained_rate

SHARES = (25, 50, 75)  # percent of the sustained rate
PROBES_A_SECOND = 200


async def measure(trial: Trial) -> None:
    """Offer each share of the sustained rate in turn."""
    full = trial.options.rate or sustained_rate(trial.earlier.get(SUSTAINED.name))
    async with trial.product() as product:
        await warm_up(trial, product)
        for share in SHARES:
            trial.say(f"{share} %")
            row = f"{share} %, {full * share / 100:,.0f} orders/s"
            trial.result.record(row, await _at(trial, product, full * share / 100))


async def _at(trial: Trial, product: RunningProduct, rate: float) -> dict[str, float]:
    sale = await fresh_sale(product)
    async with Probes(product.stack.endpoints.database_url) as probes:
        arrivals = await trial.open_loop(rate=rate).place(
            product.url,
            simple_orders(product, sale),
            tell_every=max(1, round(rate / PROBES_A_SECOND)),
            told=probes.add,
        )
        await until_persisted(product, sale)
    if probes.unseen:
        raise NotMeasured(f"{probes.unseen} accepted orders were not found in PostgreSQL")
    return {
        "p50 ms": arrivals.p50,
        "p99 ms": arrivals.p99,
        "p99.9 ms": arrivals.p999,
        "to row p50 ms": 1e3 * percentile(probes.delays, 50),
        "to row p99 ms": 1e3 * percentile(probes.delays, 99),
        "failed": arrivals.failed,
    }


SCENARIO = Scenario(
    name="latency",
    about="Open loop at shares of the sustained rate; and from acceptance to a committed row",
    measure=measure,
    notes=(
        "Poisson arrivals; latency counts from when a request was due, to the millisecond",
        f"to row: {PROBES_A_SECOND} orders a second are looked for in PostgreSQL every 10 ms",
    ),
)
