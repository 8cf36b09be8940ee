"""The command `soak`: start everything, put a mixed load on it for long, and check every duty."""

import argparse
import asyncio
import itertools
from datetime import UTC, datetime

from rich.console import Console

from shop.local.discovery import state_dir
from shop.local.processes.interrupts import run_until_signal
from shop.local.stack import Stack

from .minute import Minute
from .report import HEAD, conclusion, line, memory_line
from .soaking import SoakResult, soak

MINUTES = 10.0
RATE = 100.0  # orders a second: what two cores sustain beside the clients and everything else
INTERRUPTED = 130  # as a shell says it of Ctrl-C


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("soak", help="a mixed load for long: was every duty on time?")
    parser.add_argument("--minutes", type=_positive, default=MINUTES, help="(%(default)g)")
    parser.add_argument(
        "--rate", type=_positive, default=RATE, help="orders a second (%(default)g)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Return 0 if every duty was on time and every unit is accounted for, 1 if not, 130 after a
    signal."""
    return run_until_signal(_soak(arguments.minutes * 60, arguments.rate))


async def _soak(seconds: float, rate: float) -> int:
    console = Console(highlight=False)
    numbers = itertools.count(1)

    def report(minute: Minute) -> None:
        console.print(line(next(numbers), minute), soft_wrap=True)
        console.print(memory_line(minute), style="dim", soft_wrap=True)

    try:
        # In a folder of its own, as the drill: its sales stay out of the demo's data.
        async with Stack(state_dir() / "soak") as stack:
            sale = f"soak-{datetime.now(UTC):%m%d-%H%M%S}"
            console.print(HEAD, soft_wrap=True)
            result = await soak(stack, sale, seconds=seconds, rate=rate, report=report)
    except asyncio.CancelledError:
        console.print("Interrupted. Everything is stopped; nothing is proven.")
        return INTERRUPTED
    return _conclude(console, result)


def _conclude(console: Console, result: SoakResult) -> int:
    for text in conclusion(result):
        console.print(text, style="" if result.held else "red", soft_wrap=True)
    return int(not result.held)


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return number
