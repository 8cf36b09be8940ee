"""Orders a second that go all the way: accepted over HTTP, and in PostgreSQL at the end."""

from time import perf_counter

from bench.contestant import Running
from bench.measuring import BacklogWatch, fresh_sale, simple_orders, until_persisted, warm_up
from bench.result import Comparison
from bench.scenario import Scenario
from bench.trial import Trial

CONTESTANTS = ("product", "django-rest")


async def measure(trial: Trial) -> None:
    """Load each contestant while its workers run, and wait until everything is persisted."""
    await trial.take_turns(CONTESTANTS, _go_all_the_way)


async def _go_all_the_way(trial: Trial, name: str, running: Running) -> None:
    await warm_up(trial, running)
    sale = await fresh_sale(running)
    loop = trial.closed_loop(seconds=trial.options.long_seconds)
    began = perf_counter()
    async with BacklogWatch(running, sale) as watch:
        answers = await loop.place(running.url, simple_orders(running, sale))
        accepted, loaded = await running.accepted(sale), perf_counter()
    persisted = await until_persisted(running, sale)
    ended = perf_counter()
    figures = {
        "persisted/s": persisted / (ended - began),
        "accepted/s": accepted / answers.seconds,
        "p99 ms": answers.p99,
        "largest backlog": watch.largest,
        "s to empty": ended - loaded,
        "accepted": await running.accepted(sale),
        "persisted": persisted,
        "refused": answers.refused,
        "errors": answers.errors,
    }
    trial.result.record(name, figures)


SCENARIO = Scenario(
    name="end-to-end",
    about="Orders while the workers run, then until all are rows: persisted over the whole time",
    measure=measure,
    comparison=Comparison("persisted/s", to="django-rest"),
)
