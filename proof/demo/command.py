"""The command `demo`: start everything, sell, check every invariant, stop everything."""

import argparse
import asyncio
import os
import sys
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from io import TextIOWrapper
from pathlib import Path
from time import monotonic
from typing import Any

from rich.console import Console
from rich.text import Text

from shop.local.discovery import state_dir
from shop.local.errors import PortTaken
from shop.local.processes.interrupts import run_until_signal
from shop.local.servers.ports import kept_port, require_free
from shop.local.stack import Stack

from . import summary
from .account.inbox import Inbox
from .invariants.verdict import Check, verdict
from .opening import disable_webhook, new_plan, open_sale
from .people.receiver import DemoReceiver
from .progress import Progress
from .sale import sell

ORDERS, STOCK = 5_000, 500
MOST = 200_000
INTERRUPTED = 130  # as a shell says it of Ctrl-C


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "demo",
        help="run a real flash sale over HTTP, and prove that it came out right",
        epilog=f"DEMO_ORDERS orders ({ORDERS:,}) are tried for DEMO_STOCK units ({STOCK:,}).",
    )
    parser.set_defaults(run=lambda _: run(parser))


def run(parser: argparse.ArgumentParser) -> int:
    """Return 0 if every invariant held, 1 if one did not, 130 after a signal to stop."""
    try:
        orders = read_count(os.environ, "DEMO_ORDERS", ORDERS)
        stock = read_count(os.environ, "DEMO_STOCK", STOCK)
    except ValueError as error:
        parser.error(str(error))  # exits with 2
    return run_until_signal(demo(orders=orders, stock=stock))


def read_count(env: Mapping[str, str], name: str, default: int) -> int:
    """Return the whole number in the variable `name`. Raises ValueError."""
    text = env.get(name) or str(default)
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= MOST):
        raise ValueError(f"{name}={text} is not a whole number from 1 to {MOST:,}")
    return int(text)


async def demo(*, orders: int, stock: int) -> int:
    """Run a sale of `stock` units for which `orders` orders are tried."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # it may not know every character used here
    console = Console(highlight=False)
    try:
        checks = await _run_and_check(console, orders=orders, stock=stock)
    except asyncio.CancelledError:
        console.print("Interrupted. Everything is stopped; nothing is proven.")
        return INTERRUPTED
    summary.conclude(console, checks)
    return int(any(check.broken for check in checks))


async def _run_and_check(console: Console, *, orders: int, stock: int) -> list[Check]:
    stack = stack_on_free_ports(state_dir(), console)
    async with AsyncExitStack() as exits:
        everything = "PostgreSQL, Redis, web, workers, beat and Flower"
        with _step(console, f"Starting {everything}", f"Started {everything}"):
            await exits.enter_async_context(stack)
        try:
            sale = f"a sale of {stock:,} units on {stack.web.url}"
            with _step(console, f"Opening {sale}", f"Opened {sale}"):
                plan = new_plan(orders=orders, stock=stock)
                receiver = await exits.enter_async_context(DemoReceiver(Inbox(), plan.sale))
                exits.push_async_callback(disable_webhook, stack, receiver.url)
                opened = await open_sale(stack, plan, webhook_url=receiver.url)
                receiver.secret = opened.webhook_secret
            evidence = await sell(
                stack,
                opened,
                receiver,
                lambda records: Progress(console, plan, records).run(),
            )
            checks = verdict(evidence)
            summary.show(console, evidence, checks)
        finally:
            logs = f"Stopped everything; the logs are in {stack.state / 'logs'}"
            with _step(console, "Stopping everything", logs):
                await _undisturbed(exits.aclose())
    return checks


def stack_on_free_ports(state: Path, console: Console) -> Stack:
    """Return a stack that avoids taken ports, except where one was asked for: then PortTaken."""
    stack = Stack(state)
    instead = {}
    for name, variable, at in (("web", "PORT", stack.web), ("flower", "FLOWER_PORT", stack.flower)):
        try:
            require_free(at.host, at.port, variable=variable)
        except PortTaken as error:
            if os.environ.get(variable):
                raise
            instead[variable] = str(kept_port(state, name))
            console.print(
                f"Port {error.port} is taken; using {instead[variable]} ({variable} chooses)."
            )
    return Stack(state, env=instead)


async def _undisturbed(work: Coroutine[Any, Any, None]) -> None:
    """Do `work` to the end, also if it is cancelled meanwhile."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


@contextmanager
def _step(console: Console, doing: str, done: str) -> Iterator[None]:
    """Say what is being done, then that it is done and how long it took."""
    began = monotonic()
    with console.status(Text(f"{doing} …")):
        yield
    seconds = Text(f"  {monotonic() - began:.1f} s", style="dim")
    console.print(
        Text("✓", style="green").append(f" {done}", style="default"), seconds, soft_wrap=True
    )
