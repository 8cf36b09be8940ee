"""The command `drill`: start everything, break each part in turn, and count the cost."""

import argparse
import asyncio
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from shop.local.api_keys import Key, ensure_key
from shop.local.discovery import state_dir
from shop.local.errors import LocalStackError
from shop.local.processes.interrupts import run_until_signal
from shop.local.stack import Stack

from .faults import FAULTS
from .one_fault import run_fault
from .result import Result
from .table import WIDTH, document, table, verdict

RATE = 300.0  # orders a second: what a busy machine with two cores can do beside everything else
MOST_TIMES = 1000
INTERRUPTED = 130  # as a shell says it of Ctrl-C
SERVERS = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "CACHE_URL")


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("drill", help="break each part under load, and count the cost")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=FAULTS, help="these faults")
    parser.add_argument("--list", action="store_true", help="name the faults, and do nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, too")
    parser.add_argument("--repeat", type=_count, default=1, metavar="N", help="do it N times")
    parser.add_argument("--rate", type=float, default=RATE, help="orders a second (%(default)g)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Return 0 if every promise held under every fault, 1 if one did not, 130 after a signal.

    A fault that cannot be done on this machine is skipped, with a word about it, and counts for
    nothing.
    """
    names = list(arguments.only or FAULTS)
    if arguments.list:
        for name in names:
            print(f"{name:32} {FAULTS[name].__doc__}")
        return 0
    if named := [name for name in SERVERS if os.environ.get(name)]:
        raise LocalStackError(f"the drill breaks its own servers only: unset {', '.join(named)}")
    return run_until_signal(drill(names * arguments.repeat, arguments.rate, arguments.json))


async def drill(names: list[str], rate: float, json_file: Path | None) -> int:
    """Do the faults `names` in turn on one stack, at `rate` orders a second."""
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)
    results: list[Result] = []
    try:
        # In a folder of its own: the faults destroy data, and must not touch the demo's. Faults
        # name the processes of the full profile.
        async with Stack(state_dir() / "drill", env={"SHOP_PROFILE": "full"}) as stack:
            key = await ensure_key(stack, Key("drill_api_key", client="drill"))
            for name in names:
                mark = f"{datetime.now(UTC):%m%d-%H%M%S}"
                with console.status(name):
                    result = await run_fault(
                        stack, name, FAULTS[name], api_key=key, rate=rate, mark=mark
                    )
                results.append(result)
                _say(console, result)
    except asyncio.CancelledError:
        console.print("Interrupted. Everything is stopped.")
        return INTERRUPTED
    finally:
        if results:
            console.print(table(results))
            if json_file:
                _write(json_file, results)
    return int(not all(result.held or result.skipped for result in results))


def _say(console: Console, result: Result) -> None:
    again = ", ".join(f"{count} × {what}" for what, count in result.tried_again.items())
    asked = f"asked again after: {again}" if again else ""
    for note in (*result.notes, asked, result.skipped, result.not_done, *result.broken):
        if note:
            console.print(f"  {note}", style="dim")
    console.print(f"{result.fault}:", verdict(result))


def _write(file: Path, results: Sequence[Result]) -> None:
    file.write_text(json.dumps(document(results), indent=2) + "\n")


def _count(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= MOST_TIMES):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1 to {MOST_TIMES}")
    return int(text)
