"""Orders accepted a second, while nothing else happens."""

from bench.contestant import Running
from bench.measuring import accept, fresh_sale, simple_orders, warm_up, workers_paused
from bench.result import Comparison
from bench.scenario import Scenario
from bench.trial import Trial

CONTESTANTS = ("product", "go", "fastapi", "django-rest", "bare")


async def measure(trial: Trial) -> None:
    """Let each contestant accept orders for one sale; what persists them is paused."""
    await trial.take_turns(CONTESTANTS, _accept)


async def _accept(trial: Trial, name: str, running: Running) -> None:
    async with workers_paused(running):
        await warm_up(trial, running)
        sale = await fresh_sale(running)
        figures = await accept(trial, running, sale, simple_orders(running, sale))
    trial.result.record(name, figures)


SCENARIO = Scenario(
    name="accept",
    about="Orders of one line for one SKU, workers paused; counted in the store",
    measure=measure,
    comparison=Comparison("accepted/s", to="go"),
    notes=("bare answers without doing anything: the limit of Python's HTTP server",),
)
