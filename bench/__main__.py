"""`python -m bench`: measure the product beside its peers, and show and write what comes out."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console

from bench.errors import NotMeasured, WrkMissing
from bench.load.wrk import find_wrk
from bench.options import Options
from bench.report.chart import draw
from bench.report.table import WIDTH
from bench.result import Result
from bench.run import CONTESTANTS, run
from bench.scenarios import SCENARIOS
from shop.local.discovery import state_dir
from shop.local.errors import LocalStackError
from shop.local.processes.interrupts import run_until_signal

RUNS, SECONDS, LONG_SECONDS, MOST_SECONDS = 3, 8, 60, 20
RATES = (4_000.0, 6_000.0, 8_000.0, 10_000.0, 12_000.0)
GROWN, MOST_GROWN = 100_000, 10_000_000
FAILED, UNUSABLE, INTERRUPTED = 1, 2, 130


def main() -> int:
    """Return 0 where all was measured, 1 where something failed, 2 without wrk, 130 if stopped."""
    arguments = _parser().parse_args()
    if arguments.list:
        for scenario in SCENARIOS.values():
            print(f"{scenario.name:12} {scenario.about}")
        return 0
    try:
        find_wrk()
        return run_until_signal(_measure(arguments))
    except WrkMissing as error:
        print(error, file=sys.stderr)
        return UNUSABLE
    except LocalStackError as error:
        print(error, file=sys.stderr)
        return FAILED


async def _measure(arguments: argparse.Namespace) -> int:
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)
    try:
        results = await run(_options(arguments), console, arguments.json)
    except asyncio.CancelledError:
        console.print("Interrupted. Everything is stopped.")
        return INTERRUPTED
    console.print(f"All figures are in {arguments.json}", soft_wrap=True)
    if arguments.chart:
        _draw(console, arguments.chart, results)
    return FAILED if any(result.failed for result in results.values()) else 0


def _draw(console: Console, file: Path, results: Mapping[str, Result]) -> None:
    try:
        draw(file, results)
    except NotMeasured as error:
        console.print(str(error), soft_wrap=True)
    else:
        console.print(f"The chart is {file}", soft_wrap=True)


def _options(arguments: argparse.Namespace) -> Options:
    smoke = arguments.smoke
    seconds = 1 if smoke else arguments.seconds
    return Options(
        state=state_dir() / "bench",
        scenarios=arguments.only or [*SCENARIOS],
        contestants=arguments.contestants or [*CONTESTANTS],
        runs=1 if smoke else arguments.runs,
        seconds=seconds,
        long_seconds=LONG_SECONDS if arguments.full and not smoke else seconds,
        warm_up_seconds=0 if smoke else 1,
        rates=(100.0, 200.0) if smoke else RATES,
        rate=200.0 if smoke else arguments.rate,
        growth_to=1_000 if smoke else arguments.growth_to,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    add("--only", nargs="+", metavar="NAME", choices=SCENARIOS, help="these scenarios")
    add("--contestants", nargs="+", metavar="NAME", choices=CONTESTANTS, help="of those compared")
    add("--list", action="store_true", help="name the scenarios, and do nothing")
    add("--runs", type=_between(1, 100), default=RUNS, metavar="N", help="times (%(default)s)")
    add(
        "--seconds",
        type=_between(1, MOST_SECONDS),
        default=SECONDS,
        metavar="S",
        help="of load for each figure (%(default)s)",
    )
    add("--full", action="store_true", help=f"{LONG_SECONDS} s of load in end-to-end")
    add("--rate", type=float, metavar="R", help="orders/s that latency takes its shares of")
    add(
        "--growth-to",
        type=_between(1_000, MOST_GROWN),
        default=GROWN,
        metavar="N",
        help="orders already there at the end of growth (%(default)s)",
    )
    add("--json", type=Path, default=state_dir() / "bench" / "result.json", metavar="FILE")
    add("--chart", type=Path, metavar="FILE", help="draw the main figures as SVG, too")
    add("--smoke", action="store_true", help="see that all of it works: the figures mean nothing")
    return parser


def _between(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isdecimal() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text} is not from {least:,} to {most:,}")
        return int(text)

    return read


if __name__ == "__main__":
    sys.exit(main())
