"""Runs the scenarios one after the other, shows what each has found, and writes it all down."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.status import Status

from bench.contestant import Contestant
from bench.errors import TROUBLE
from bench.options import Options
from bench.peers import PEERS
from bench.product import Product
from bench.report.document import heading, write
from bench.report.table import show
from bench.result import Result
from bench.scenario import Scenario
from bench.scenarios import SCENARIOS
from bench.servers import pair
from bench.trial import Trial

CONTESTANTS: Mapping[str, Contestant] = {each.name: each for each in (Product(), *PEERS)}


async def run(options: Options, console: Console, json_file: Path) -> dict[str, Result]:
    """Run what `options` name; results are in `json_file` as soon as a scenario is through."""
    head, results = heading(options), dict[str, Result]()
    for name in options.scenarios:
        results[name] = result = SCENARIOS[name].new_result()
        try:
            await _run_all(SCENARIOS[name], options, console, results)
        except TROUBLE as error:
            result.failed[name] = str(error)
        finally:
            show(console, result)
            write(json_file, head, results)
    return results


async def _run_all(
    scenario: Scenario, options: Options, console: Console, results: Mapping[str, Result]
) -> None:
    """Do all runs of a scenario on one pair of servers."""
    with console.status(scenario.name) as status:
        async with pair(options.state / "servers") as servers:
            for number in range(1, options.runs + 1):
                title = f"{scenario.name}, run {number} of {options.runs}"
                trial = Trial(
                    options=options,
                    pair=servers,
                    contestants={name: CONTESTANTS[name] for name in options.contestants},
                    result=results[scenario.name],
                    earlier=results,
                    say=partial(_say, status, title),
                )
                await scenario.measure(trial)


def _say(status: Status, title: str, what: str) -> None:
    status.update(f"{title}: {what}")
