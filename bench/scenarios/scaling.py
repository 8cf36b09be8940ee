"""The gain of a second process: of those that accept, and of those that persist."""

from bench.draining import accept_and_drain
from bench.measuring import warm_up
from bench.scenario import Scenario
from bench.trial import Trial

PROCESSES = (1, 2)


async def measure(trial: Trial) -> None:
    """Accept while nothing persists, then persist while nothing is accepted."""
    for processes in PROCESSES:
        env = {"WORKER_CONCURRENCY": str(processes)}
        async with trial.product(processes=processes, env=env) as product:
            await warm_up(trial, product)
            row = f"{processes} {'process' if processes == 1 else 'processes'}"
            trial.result.record(row, await accept_and_drain(trial, product))


SCENARIO = Scenario(
    name="scaling",
    about="Accepting with 1 and 2 web processes, and then persisting with 1 and 2 drain processes",
    measure=measure,
)
