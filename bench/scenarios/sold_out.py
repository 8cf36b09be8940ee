"""Orders refused a second when nothing is left: most answers of a flash sale."""

from bench.contestant import Running
from bench.measuring import fresh_sale, latencies, simple_orders, warm_up, workers_paused
from bench.result import Comparison
from bench.scenario import Scenario
from bench.trial import Trial

CONTESTANTS = ("product", "go", "bare")


async def measure(trial: Trial) -> None:
    """Let each contestant refuse orders for a sale of one unit, which the first order gets."""
    await trial.take_turns(CONTESTANTS, _refuse)


async def _refuse(trial: Trial, name: str, running: Running) -> None:
    async with workers_paused(running):
        await warm_up(trial, running)
        orders = simple_orders(running, await fresh_sale(running, units=1))
        answers = await trial.closed_loop().place(running.url, orders)
    trial.result.record(name, {"answers/s": answers.rate, **latencies(answers)})


SCENARIO = Scenario(
    name="sold-out",
    about="Orders for a SKU that is sold out, each with a key of its own",
    measure=measure,
    comparison=Comparison("answers/s", to="bare"),
    notes=("bare answers 202 to everything: the limit of Python's HTTP server",),
)
