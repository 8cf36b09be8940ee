"""A demo sale while it runs: bars on a terminal, a line a second everywhere else."""

import asyncio

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from proof.answers import ACCEPTED, OVER_LIMIT, SOLD_OUT

from .account.records import Records
from .people.plan import Plan

FRAME_SECONDS, LINE_SECONDS = 0.2, 1.0
BAR_WIDTH = 36
ENDS = ("paid", "cancelled", "expired", "refunded")


class Progress:
    """Shows `records`, again and again until cancelled."""

    def __init__(self, console: Console, plan: Plan, records: Records) -> None:
        self._console = console
        self._book = records.book
        self._sampler = records.sampler
        self._inbox = records.inbox
        self._offered = len(plan.orders)

    async def run(self) -> None:
        """Draw where the console can be drawn on, else write lines."""
        if self._console.is_interactive and self._console.file.isatty():
            await self._draw()
        else:
            await self._write_lines()

    async def _write_lines(self) -> None:
        said = ""
        while True:
            await asyncio.sleep(LINE_SECONDS)
            if (line := self._line()) != said:
                self._console.print(line, soft_wrap=True)
            said = line

    async def _draw(self) -> None:
        with Live(console=self._console, auto_refresh=False) as live:
            try:
                while True:
                    live.update(self._frame(), refresh=True)
                    await asyncio.sleep(FRAME_SECONDS)
            finally:
                live.update(self._frame())  # what stays on the screen

    def _line(self) -> str:
        return "  " + "   ".join(
            [
                f"{self._book.answered:,} of {self._offered:,} orders",
                *self._outcomes(),
                f"persisted {self._sampler.persisted:,}",
                *self._ends(),
                f"notified {self._inbox.events.total():,}",
                *self._pace(),
            ]
        )

    def _frame(self) -> Padding:
        accepted, persisted = self._book.first[ACCEPTED], self._sampler.persisted
        ended = persisted - self._sampler.held
        bars = Table.grid(padding=(0, 2))
        for name, done, total in (
            ("offered", self._book.answered, self._offered),
            ("persisted", persisted, accepted),
            ("at their end", ended, accepted),
        ):
            bar = ProgressBar(total=max(total, 1), completed=done, width=BAR_WIDTH)
            bars.add_row(name, bar, f"{done:,} of {total:,} orders")
        notified = f"notified of {self._inbox.events.total():,} events"
        lines = [*map("   ".join, (self._outcomes(), [*self._ends(), notified]))]
        pace = Text("   ".join(self._pace()), style="dim")
        return Padding(Group(bars, Text(), *map(Text, lines), pace), (1, 2, 0, 2))

    def _outcomes(self) -> list[str]:
        first = self._book.first
        return [
            f"accepted {first[ACCEPTED]:,}",
            f"sold out {first[SOLD_OUT]:,}",
            f"over the limit {first[OVER_LIMIT]:,}",
            f"replayed {self._book.replayed:,}",
        ]

    def _ends(self) -> list[str]:
        return [f"{status} {self._sampler.statuses[status]:,}" for status in ENDS]

    def _pace(self) -> list[str]:
        book = self._book
        pace = [f"{rate(book.rush.answered, book.rush.last_answer):,} orders/s"]
        pace.append(f"p50 {book.recent_median * 1000:.0f} ms")
        if book.calls.sent_again:
            pace.append(f"sent again {book.calls.sent_again.total():,}")
        return pace


def rate(count: int, seconds: float) -> int:
    """Return how many that is a second, 0 of no time."""
    return round(count / seconds) if seconds else 0
