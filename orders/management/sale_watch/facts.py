"""The figures of a sale beside its stock: rates, waiting times, backlog, drift, open work."""

from collections.abc import Iterator, Mapping
from math import isinf

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from inventory.money import with_currency
from orders.reads.live_stats import LATENCY_MS

from .bars import Sparkline
from .pace import Pace
from .reading import Reading

UNKNOWN = "-"
_LONG_SECONDS = 5.0  # a backlog as old as this deserves a look


def facts(reading: Reading) -> Table:
    """Return a row for each figure, its name before it."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(reading):
        table.add_row(name, value)
    return table


def figure(number: float | None) -> str:
    """Return a number as people read it: "1,204", "3.5", and a dash for an unknown one."""
    if number is None:
        return UNKNOWN
    return f"{number:,.1f}" if 0 < number < 10 and number != int(number) else f"{number:,.0f}"


def _rows(reading: Reading) -> Iterator[tuple[str, RenderableType]]:
    pace = reading.counts.pace
    yield "accepted/s", _accepted(pace)
    yield "last minute", Sparkline(pace.last_minute if pace else [])
    yield "rejected/s", _rejected(pace)
    yield "replayed/s", figure(pace.replayed if pace else None)
    yield "persisted/s", figure(pace.persisted if pace else None)
    yield "answers", _answers(pace)
    yield "backlog", _backlog(reading)
    yield "drift", _drift(reading)
    yield "payments", _payments(reading)
    yield "for a person", _for_a_person(reading.ledger.for_a_person)


def _accepted(pace: Pace | None) -> str:
    if pace is None:
        return UNKNOWN
    return f"{figure(pace.accepted)}, at most {max(pace.last_minute):,} in a second of this minute"


def _rejected(pace: Pace | None) -> str:
    if pace is None:
        return UNKNOWN
    rates = pace.rejected.items()
    return ", ".join(f"{figure(rate)} {name.replace('-', ' ')}" for name, rate in rates) or "0"


def _answers(pace: Pace | None) -> str:
    if pace is None or pace.p50_ms is None or pace.p99_ms is None:
        return UNKNOWN
    return f"p50 {_within(pace.p50_ms)}, p99 {_within(pace.p99_ms)}"


def _within(milliseconds: float) -> str:
    """Return the bucket of a waiting time, of which only the bound is known."""
    if isinf(milliseconds):
        return f"over {LATENCY_MS[-1]:,} ms"
    return f"within {milliseconds:,.0f} ms"


def _backlog(reading: Reading) -> Text:
    backlog, oldest = reading.counts.backlog, reading.counts.oldest_seconds
    if not backlog or oldest is None:
        return Text(figure(backlog))
    style = "yellow" if oldest >= _LONG_SECONDS else ""
    return Text(f"{backlog:,} orders, the oldest for {oldest:,.1f} s", style)


def _drift(reading: Reading) -> Text:
    record = reading.ledger.compared
    if record is None:
        return Text("not compared yet")
    ago = f"compared {max(0, (reading.at - record.compared_at).total_seconds()):,.0f} s ago"
    if record.drift is None:
        return Text(f"could not tell, {ago}: {record.reason}", "yellow")
    return Text(f"{record.drift:,} units, {ago}", "bold red" if record.drift else "green")


def _payments(reading: Reading) -> Text:
    waiting = reading.ledger.payments
    age = waiting.age_seconds(reading.at)
    parts = [f"{waiting.count:,} waiting, the oldest for {age:,.1f} s"] if waiting.count else []
    parts += [f"{with_currency(due, code)} due back" for code, due in waiting.due_back.items()]
    style = "yellow" if age >= _LONG_SECONDS or waiting.due_back else ""
    return Text(", ".join(parts) or "none waits", style)


def _for_a_person(waiting: Mapping[str, int]) -> Text:
    kinds = [f"{count:,} {kind}" for kind, count in waiting.items() if count]
    return Text(", ".join(kinds), "bold yellow") if kinds else Text("nothing", "green")
