"""Results as a table for people, and as JSON for programs."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from .result import Result

NUMBERS = (  # in two lines, so that a row fits into WIDTH
    "accep-\nted",
    "persis-\nted",
    "reported\nlost",
    "lost",
    "dupli-\ncated",
    "over-\nsold",
    "wrongly\nrejected",
    "drift",
    "unavail-\nable s",
    "catch-\nup s",
    "p99\nms",
    "web\nMiB",
    "re-\nstarts",
)
WIDTH = 152  # characters


def table(results: Sequence[Result]) -> Table:
    """Return a row per result."""
    grid = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    grid.add_column("fault", no_wrap=True)
    for name in NUMBERS:
        grid.add_column(name, justify="right", no_wrap=True)
    grid.add_column("verdict", no_wrap=True)
    for result in results:
        numbers = ["–"] * len(NUMBERS) if result.skipped else cells(result)
        grid.add_row(result.fault, *numbers, verdict(result))
    return grid


def cells(result: Result) -> list[str]:
    """Return the texts for NUMBERS."""
    counts = [f"{count:,}" for count in asdict(result.findings).values()]
    drift = "?" if result.drift is None else f"{result.drift:,}"
    times = [f"{seconds:.1f}" for seconds in (result.unavailable, result.catch_up)]
    web = [f"{figure:,.0f}" for figure in (result.p99_ms, result.web_mib)]
    return [*counts, drift, *times, *web, str(result.restarts)]


def verdict(result: Result) -> Text:
    """Return whether everything promised held, or what did not."""
    if result.skipped:
        return Text("skipped", style="yellow")
    if result.held:
        return Text("held", style="green")
    troubles = {
        "no fault": result.not_done,
        "outbox not empty": not result.settled,
        "unanswered": result.unanswered,
        "promises": result.broken,
    }
    extra = [trouble for trouble, is_so in troubles.items() if is_so]
    return Text(", ".join(["BROKEN", *extra]), style="bold red")


def document(results: Sequence[Result]) -> dict[str, Any]:
    """Return the results as JSON has them."""
    return {
        "held": all(result.held for result in results if not result.skipped),
        "drills": [{**asdict(result), "held": result.held} for result in results],
    }
