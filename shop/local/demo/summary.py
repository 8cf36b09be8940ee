"""How a demo sale went, in figures, and whether it came out right."""

from collections.abc import Sequence
from math import ceil

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from shop.local.demo.book import ACCEPTED, OVER_LIMIT, SOLD_OUT, percentile
from shop.local.demo.progress import rate
from shop.local.demo.verdict import REJECTED, Check, Evidence, differing_replays, oversold

Figure = tuple[str, str, str]  # name, value, what it means here


def figures(evidence: Evidence) -> list[Figure]:
    """Return the rows of the summary."""
    return [
        *_asked(evidence),
        *_answered(evidence),
        *_kept(evidence),
        *_speed(evidence),
        *_restarted(evidence),
    ]


def show(console: Console, evidence: Evidence, checks: Sequence[Check]) -> None:
    """Print the figures, and every invariant with whether it held."""
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style="dim")
    for figure in figures(evidence):
        table.add_row(*figure)
    console.print()
    console.print(Padding(table, (0, 2), expand=False))
    console.print()
    for check in checks:
        mark = Text("✗", style="red bold") if check.broken else Text("✓", style="green")
        console.print(Text("  ").append_text(mark).append(f" {check.invariant}"))
        for what in check.broken:
            console.print(Text(f"      {what}", style="red"), soft_wrap=True)
    console.print()


def conclude(console: Console, checks: Sequence[Check]) -> None:
    """Print the verdict in one line."""
    if broken := sum(bool(check.broken) for check in checks):
        text = f"{broken} of {len(checks)} invariants were broken."
        console.print(Text(text, style="red bold"))
    else:
        console.print(Text(f"All {len(checks)} invariants held.", style="green bold"))


def _asked(evidence: Evidence) -> list[Figure]:
    plan, book = evidence.plan, evidence.book
    again = ", ".join(f"{why} ({count:,})" for why, count in book.sent_again.items())
    return [
        ("offered", f"{len(plan.orders):,}", f"orders for {sum(plan.stock.values()):,} units"),
        ("sent", f"{book.sent:,}", "requests" + (f", again after {again}" if again else "")),
    ]


def _answered(evidence: Evidence) -> list[Figure]:
    book = evidence.book
    differed = differing_replays(evidence)
    return [
        (
            "accepted",
            f"{book.first[ACCEPTED]:,}",
            f"{book.units:,} units, the last after {book.last_yes:.1f} s",
        ),
        ("sold out", f"{book.first[SOLD_OUT]:,}", "nothing was held for them"),
        (
            "over the limit",
            f"{book.first[OVER_LIMIT]:,}",
            f"of {evidence.plan.limit} units a customer",
        ),
        ("looked up", f"{book.looked_up:,}", "right after the yes"),
        ("replayed", f"{book.replayed:,}", f"{differed:,} differed from the first answer"),
    ]


def _kept(evidence: Evidence) -> list[Figure]:
    persisted = [row for row in evidence.rows if row.status != REJECTED]
    after = evidence.persisted_after
    during = sum(look.during for look in evidence.looks)
    later = len(evidence.looks) - during
    drift = max((abs(look.drift) for look in evidence.looks if look.drift is not None), default=0)
    return [
        (
            "persisted",
            f"{len(persisted):,}",
            "not all in time"
            if after is None
            else f"all within {_tenths(after)} s of the last yes",
        ),
        ("events", f"{sum(row.events for row in evidence.rows):,}", "order.placed"),
        ("rejected", f"{len(evidence.rows) - len(persisted):,}", ""),
        ("oversold", f"{oversold(evidence):,}", "units"),
        ("drift", f"{drift:,}", f"units; looked {during} × during the sale, {later} × after"),
    ]


def _speed(evidence: Evidence) -> list[Figure]:
    book = evidence.book
    return [
        ("accept p50/p99", _milliseconds(book.times(accepted=True)), "ms"),
        ("refuse p50/p99", _milliseconds(book.times(accepted=False)), "ms"),
        ("orders/s", f"{rate(book.judged, book.last_answer):,}", "the clients share the machine"),
        ("accepted/s", f"{rate(book.first[ACCEPTED], book.last_yes):,}", "up to the last yes"),
    ]


def _restarted(evidence: Evidence) -> list[Figure]:
    deaths = evidence.restarted
    names = ", ".join(name if times == 1 else f"{times} × {name}" for name, times in deaths.items())
    return [("restarted", f"{sum(deaths.values()):,}", names)] if deaths else []


def _tenths(seconds: float) -> str:
    """Return the next tenth: what was measured by sampling is an upper bound."""
    return f"{max(1, ceil(seconds * 10)) / 10:.1f}"


def _milliseconds(seconds: Sequence[float]) -> str:
    return " / ".join(f"{percentile(seconds, percent) * 1000:.1f}" for percent in (50, 99))
