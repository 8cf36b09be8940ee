"""The cost of acceptance on disk, in the memory of other machines, and on their disks."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from bench.measuring import accept, fresh_sale, simple_orders, warm_up, workers_paused
from bench.product import RunningProduct
from bench.result import Comparison
from bench.scenario import Scenario
from bench.trial import Trial
from proof.drill.replica import replica_of

BASE = "always, no wait"
WAITS: Mapping[str, Mapping[str, str]] = {
    "no wait": {},
    "1 replica": {"REDIS_WAIT_REPLICAS": "1"},
    "1 replica's disk": {"REDIS_WAIT_REPLICAS": "1", "REDIS_WAIT_AOF": "true"},
}
SYNCS = ("always", "everysec")


async def measure(trial: Trial) -> None:
    """Accept with each wait and each way to write the log; the replica syncs at each write."""
    for wait, env in WAITS.items():
        async with _replica(trial, wanted=bool(env)), trial.product(env=env) as product:
            for sync in SYNCS:
                trial.say(f"{sync}, {wait}")
                await _accept(trial, product, sync, f"{sync}, {wait}")


async def _accept(trial: Trial, product: RunningProduct, sync: str, row: str) -> None:
    async with trial.pair.client() as client, workers_paused(product):
        await client.config_set("appendfsync", sync)
        try:
            await warm_up(trial, product)
            sale = await fresh_sale(product)
            figures = await accept(trial, product, sale, simple_orders(product, sale))
        finally:
            await client.config_set("appendfsync", "always")
    trial.result.record(row, figures)


@asynccontextmanager
async def _replica(trial: Trial, *, wanted: bool) -> AsyncIterator[None]:
    """Run a replica beside the block, where one is wanted."""
    if not wanted:
        yield
        return
    async with replica_of(trial.pair.redis, trial.pair.state / "replica"):
        yield


SCENARIO = Scenario(
    name="durability",
    about="appendfsync × whether a yes waits for a replica (WAIT) or for its disk (WAITAOF)",
    measure=measure,
    comparison=Comparison("accepted/s", to=BASE),
    notes=(
        "the replica runs on the same machine and disk: a network would add its round trip",
        "with everysec, the wait for the disk lasts up to a second: beyond REDIS_WAIT_MS it is 503",
    ),
)
