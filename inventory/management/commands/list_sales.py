"""manage.py list_sales: which sales there are, how they stand and what they have left."""

import json
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.core.management.base import CommandParser

from inventory.domain import SaleState
from inventory.management.sale_list import COLUMNS, DRAWN_COLUMNS, Standing, StandingReader
from inventory.models import Sale
from inventory.selectors import state_of
from shop.core import clock
from shop.core.command_line import arguments
from shop.core.command_line.commands import HOW_TO_START, SERVER_AWAY, OperatorCommand
from shop.core.command_line.terminal import Display

PAGE = 100  # sales


class Command(OperatorCommand):
    help = (
        "List sales, the newest first: state, window, units and orders not persisted yet. Exit "
        'code 2 where Redis does not answer: what it alone knows is then shown as "-".'
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--state",
            action="append",
            choices=[state.value for state in SaleState],
            help="only sales in this state; repeat for more (default: all)",
        )
        parser.add_argument(
            "--most",
            type=arguments.count,
            default=50,
            metavar="N",
            help="at most so many (default: %(default)s)",
        )
        parser.add_argument("--json", action="store_true", help="print the sales as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        sales = list(islice(_sales_in(options["state"]), options["most"]))
        reader = StandingReader()
        standings = [reader.standing(sale) for sale in sales]
        if options["json"]:
            document = {"sales": [standing.document() for standing in standings]}
            self.stdout.write(json.dumps(document))
        else:
            self._print(standings, Display(self.stdout, options))
        if reader.trouble:
            self.stderr.write(f"{reader.trouble}\n{HOW_TO_START}")
            sys.exit(SERVER_AWAY)

    def _print(self, standings: list[Standing], display: Display) -> None:
        if not display.drawn:
            display.table(COLUMNS, [standing.row() for standing in standings])
        elif standings:
            now = clock.now()
            display.table(DRAWN_COLUMNS, [standing.drawn_row(now) for standing in standings])
        else:
            display.say("There is no such sale. To make one: manage.py create_sale")


def _sales_in(states: list[str] | None) -> Iterator[Sale]:
    """Yield the sales in any of these states, the newest first, read a page at a time."""
    now = clock.now()
    sales = Sale.objects.order_by("-pk").prefetch_related("allocations__product")
    page = list(sales[:PAGE])
    while page:
        yield from (sale for sale in page if not states or state_of(sale, now) in states)
        page = list(sales.filter(pk__lt=page[-1].pk)[:PAGE])
