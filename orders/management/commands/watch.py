"""manage.py watch: show a sale while it runs, once a second."""

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from rich.live import Live

from inventory.errors import SaleUnknown
from orders.management.sale_watch.drawing import picture
from orders.management.sale_watch.reading import Reader, Reading
from orders.management.sale_watch.text import document, plain_line, plain_picture
from shop.core.command_line.commands import SERVER_AWAY, OperatorCommand, in_plain_words
from shop.core.command_line.terminal import Display

SECONDS = 1.0  # from one reading to the next


class Command(OperatorCommand):
    help = (
        "Watch a sale: state, stock, rates, waiting times, backlog, drift and what waits for a "
        "person; drawn on a terminal, a line a second elsewhere. Ctrl-C ends it. With --once, exit "
        "code 2 says that a server did not answer."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug", help="the sale")
        parser.add_argument("--once", action="store_true", help="show it once and end")
        parser.add_argument("--json", action="store_true", help="a line of JSON for each reading")

    def handle(self, *args: Any, **options: Any) -> None:
        with in_plain_words(SaleUnknown):
            reader = Reader(options["slug"])
        display = Display(self.stdout, options)
        with _ended_by_signals():
            if options["once"]:
                self._show_once(reader.read(), display, as_json=options["json"])
            elif display.console.is_interactive and not options["json"]:
                _draw(reader, display)
            else:
                self._write_lines(reader, _json if options["json"] else plain_line)

    def _show_once(self, reading: Reading, display: Display, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(_json(reading))
        elif display.drawn:
            display.console.print(picture(reading, display.console))
        else:
            self.stdout.write("\n".join(plain_picture(reading)))
        if reading.trouble:
            sys.exit(SERVER_AWAY)

    def _write_lines(self, reader: Reader, line: Callable[[Reading], str]) -> None:
        for reading in _readings(reader):
            self.stdout.write(line(reading))
            self.stdout.flush()


def _draw(reader: Reader, display: Display) -> None:
    """Draw on a screen of its own, and leave the last picture behind."""
    console, last = display.console, None
    try:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            for last in _readings(reader):
                live.update(picture(last, console), refresh=True)
    finally:
        if last is not None:
            console.print(picture(last, console))


def _readings(reader: Reader) -> Iterator[Reading]:
    while True:
        began = time.monotonic()
        yield reader.read()
        time.sleep(max(0.0, began + SECONDS - time.monotonic()))


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """End the block quietly at the first Ctrl-C or SIGTERM: the one way in which watching ends."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _json(reading: Reading) -> str:
    return json.dumps(document(reading))
